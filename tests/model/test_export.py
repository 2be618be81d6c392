"""What is exported gives the model's own answers; what cannot be exported is said before anything is written."""

import importlib.util

import cv2
import keras
import numpy as np
import pytest

from model import networks
from model.export import command as export
from model.inference.sanity_inputs import sanity_frames
from model.weights import save_model

SIZE = 32


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    keras.utils.set_random_seed(2)
    return save_model(networks.build("pyramid-small", SIZE), tmp_path_factory.mktemp("weights") / "tiny.h5")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    for role in ("images", "masks"):
        (folder / role).mkdir()
        for index, frame in enumerate(sanity_frames((64, 64))):
            cv2.imwrite(str(folder / role / f"{index}.png"), frame)
    return folder


def run(weights, data, out, *formats):
    return export.main([str(weights), "--calibration", str(data), "--out", str(out), "--formats", *formats])


@pytest.mark.parametrize(
    ("name", "files"),
    [
        ("saved_model", ["tiny_saved_model/saved_model.pb"]),
        ("openvino", ["tiny.xml", "tiny.bin"]),
        ("onnx", ["tiny.onnx"]),
        ("litert", ["tiny.tflite"]),
        ("litert_int8", ["tiny_int8.tflite"]),
    ],
)
def test_each_format_is_written_and_checked(weights, data, tmp_path, capsys, name, files):
    for package in export.NEEDS[name]:
        pytest.importorskip(package, reason=f"{name} needs {package}: pip install -r requirements-export.txt")
    assert run(weights, data, tmp_path, name) == 0
    assert all((tmp_path / file).stat().st_size > 1000 for file in files)
    assert name.partition("_")[0] in capsys.readouterr().out


def test_a_missing_package_is_named_before_anything_is_written(weights, data, tmp_path, capsys, monkeypatch):
    there = importlib.util.find_spec
    monkeypatch.setattr(export, "find_spec", lambda name: None if name == "ai_edge_litert" else there(name))
    assert run(weights, data, tmp_path / "out", "saved_model", "litert") == 2
    assert "ai-edge-litert is not installed: pip install -r requirements-export.txt" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_calibration_and_check_share_no_frame(data):
    calibration, checking = export.read_frames(data, (SIZE, SIZE))
    assert len(calibration) + len(checking) == 6
    assert len(calibration)
    assert len(checking)
    assert not any(np.array_equal(one, other) for one in calibration for other in checking)


class Says:
    """An artefact that gives the same answer to every frame."""

    takes, megabytes = "", 1.0

    def __init__(self, answer):
        self.answer = answer

    def run(self, frames):
        return np.broadcast_to(self.answer, (1, SIZE, SIZE, 3)).astype(np.float32)


@pytest.mark.parametrize(
    ("name", "answer", "passed", "agreement"),
    [
        ("onnx", (0.1, 0.0, 0.9), True, 1.0),
        ("onnx", (0.1, 0.01, 0.89), False, 1.0),
        ("onnx", (0.9, 0.0, 0.1), False, 0.0),
        ("litert_int8", (0.1, 0.01, 0.89), True, 1.0),
    ],
)
def test_other_answers_fail_a_float_format(name, answer, passed, agreement):
    expected = np.broadcast_to((0.1, 0.0, 0.9), (3, SIZE, SIZE, 3)).astype(np.float32)
    result = export.check(name, Says(answer), np.zeros((3, SIZE, SIZE, 3), np.uint8), expected)
    assert result.passed == passed
    assert result.hero_agreement == agreement


def test_too_few_frames_are_an_error(tmp_path, weights, capsys):
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    for role in ("images", "masks"):
        cv2.imwrite(str(tmp_path / role / "0.png"), sanity_frames((64, 64))[0])
    assert run(weights, tmp_path, tmp_path / "out", "saved_model") == 2
    assert "at least 2 frames" in capsys.readouterr().err
