"""The export command: every format is checked on frames, and what is missing is reported before anything is written."""

import importlib.util
import shutil
import zipfile

import cv2
import keras
import numpy as np
import pytest

from model import networks
from model.export import __main__ as command
from model.export.formats import Artefact, Format
from model.inference.sanity_inputs import sanity_frames
from model.weights import save_model

pytestmark = pytest.mark.slow

SIZE = 32


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    keras.utils.set_random_seed(2)
    return save_model(
        networks.Pyramid((8, 16), (1, 1), (1,)).build(SIZE), tmp_path_factory.mktemp("weights") / "tiny.h5"
    )


def write_data(folder, count=6):
    mask = np.zeros((64, 64, 3), np.uint8)
    mask[:40, :, 2] = mask[40:, :, 1] = 255  # BGR: background, and people
    for role in ("images", "masks"):
        (folder / role).mkdir(parents=True)
        for index, frame in enumerate(sanity_frames((64, 64))[:count]):
            cv2.imwrite(str(folder / role / f"{index}.png"), frame if role == "images" else mask)
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_data(tmp_path_factory.mktemp("data") / "all")


def run(weights, data, out, *formats):
    return command.main([str(weights), "--calibration", str(data), "--out", str(out), "--formats", *formats])


def test_formats_are_written_checked_and_listed(weights, data, tmp_path, capsys):
    assert run(weights, data, tmp_path / "out", "saved_model", "openvino") == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"tiny_saved_model", "tiny.xml", "tiny.bin"}
    output = capsys.readouterr().out
    assert "saved_model" in output
    assert "uint8, any batch" in output


def test_a_missing_package_is_named_before_anything_is_written(weights, data, tmp_path, capsys, monkeypatch):
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "ai_edge_litert" else find_spec(name))
    assert run(weights, data, tmp_path / "out", "saved_model", "litert") == 2
    assert "ai-edge-litert is not installed: pip install -r requirements-export.txt" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_masks_are_not_needed_to_be_right(data, tmp_path):
    """Calibration looks at images alone."""
    shutil.copytree(data, tmp_path / "data")
    for mask in (tmp_path / "data").rglob("masks/*.png"):
        mask.write_bytes(mask.read_bytes()[:40])
    calibration, checking = command.read_frames(tmp_path / "data", (SIZE, SIZE))
    assert len(calibration) + len(checking) == 6


def test_calibration_and_check_share_no_frame(data):
    calibration, checking = command.read_frames(data, (SIZE, SIZE))
    assert len(calibration) + len(checking) == 6
    assert len(calibration)
    assert len(checking)
    assert not any(np.array_equal(one, other) for one in calibration for other in checking)


@pytest.mark.parametrize(
    ("name", "answer", "passed", "iou"),
    [
        ("onnx", (0.1, 0.0, 0.9), True, 1.0),
        ("onnx", (0.1, 0.01, 0.89), False, 1.0),
        ("onnx", (0.9, 0.0, 0.1), False, 0.0),
        ("litert_int8", (0.1, 0.01, 0.89), True, 1.0),
    ],
)
def test_an_exact_format_with_other_predictions_fails(name, answer, passed, iou):
    expected = np.broadcast_to((0.1, 0.0, 0.9), (3, SIZE, SIZE, 3)).astype(np.float32)
    artefact = Artefact((), "", lambda frames: np.broadcast_to(answer, (1, SIZE, SIZE, 3)).astype(np.float32))
    agrees, row = command.check(name, artefact, np.zeros((3, SIZE, SIZE, 3), np.uint8), expected, 2)
    assert agrees == passed
    assert float(row[-1]) == iou


def test_other_predictions_end_with_status_1(weights, data, tmp_path, capsys, monkeypatch):
    zeros = Artefact((), "", lambda frames: np.zeros((1, SIZE, SIZE, 3), np.float32))
    monkeypatch.setitem(command.FORMATS, "saved_model", Format(lambda *_: zeros, ("tensorflow",)))
    assert run(weights, data, tmp_path, "saved_model") == 1
    assert "the predictions of saved_model differ from the model's" in capsys.readouterr().err


def test_what_is_left_out_of_the_dataset_is_said(tmp_path, capsys):
    (write_data(tmp_path / "data") / "masks" / "3.png").unlink()
    calibration, checking = command.read_frames(tmp_path / "data", (SIZE, SIZE))
    assert len(calibration) + len(checking) == 5
    output = capsys.readouterr().out
    assert "left out" in output
    assert "3.png" in output


def test_too_few_frames_are_an_error(tmp_path, weights, capsys):
    assert run(weights, write_data(tmp_path / "data", count=1), tmp_path / "out", "saved_model") == 2
    assert "at least 2 frames" in capsys.readouterr().err


def test_a_damaged_archive_is_named(data, tmp_path, weights, capsys):
    path = tmp_path / "data.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(data.rglob("*.png")):
            archive.write(file, file.relative_to(data))
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") + 100] ^= 1
    path.write_bytes(content)
    assert run(weights, path, tmp_path / "out", "saved_model") == 2
    assert f"{path}:images/0.png is damaged, download or pack data.zip again: Bad CRC-32" in capsys.readouterr().err
