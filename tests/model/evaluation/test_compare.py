"""Two models compared on the same frames: the files written, against frames with known answers."""

import json

import cv2
import numpy as np
import pytest

from dataset.pairs import find_pairs
from model import compare as command
from tests.model.labelled_frames import COLOURS, draw_labels, paint, write_dataset, write_frame

pytestmark = pytest.mark.slow

HERO_COLOUR = np.array(COLOURS[2])


class Predictor:
    """Predicts the target where its colour is, above the fraction `reaches` of the picture's height."""

    def __init__(self, reaches: float):
        self.reaches = reaches

    def predict(self, images: np.ndarray) -> np.ndarray:
        hero = (np.abs(images.astype(int) - HERO_COLOUR).sum(axis=-1) < 60).astype(np.float32)
        hero[:, int(self.reaches * hero.shape[1]) :] = 0
        return np.stack([1 - hero, np.zeros_like(hero), hero], axis=-1)

    def describe(self) -> str:
        return f"reaches {self.reaches}"


@pytest.fixture
def run(monkeypatch, tmp_path):
    """Compare a model that predicts nothing below the middle with a perfect one; return folder and exit status."""

    def start(data, *options, out="out"):
        models = {"half": Predictor(0.5), "all": Predictor(1.0)}
        monkeypatch.setattr(command, "load_predictors", lambda *_: models)
        return tmp_path / out, command.main(["half.h5", "all.h5", str(data), "--out", str(tmp_path / out), *options])

    return start


def read(path) -> np.ndarray:
    return cv2.imread(str(path))[..., ::-1]


def test_every_frame_has_a_line_and_its_pictures(run, tmp_path):
    data = tmp_path / "data"
    upper, lower, empty = np.zeros((3, 64, 64), np.uint8)
    upper[4:20, 10:20] = lower[40:56, 10:20] = 2
    for number, labels in enumerate((upper, lower, empty)):
        write_frame(data, f"a_cam1_{number}.png", f"a_mask_{number}.png", paint(labels), labels)
    folder, status = run(data, "--names", "old", "new")
    assert status == 0
    rows = [json.loads(line) for line in (folder / "frames.jsonl").read_text().splitlines()]
    assert [row["gain"] for row in rows] == [0.0, 1.0, 0.0]
    assert [row["hero_iou"] for row in rows] == [[1.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
    assert [row["detected"] for row in rows] == [[True, True], [False, True], [False, False]]
    assert [row["hero_pixels"] for row in rows] == [160 * 16, 160 * 16, 0]
    assert [row["differing_pixels"] for row in rows] == [0, 160 * 16, 0]
    assert [row["differing_box"] for row in rows] == [None, [40, 10, 56, 20], None]
    pairs, _ = find_pairs(data)
    for row, pair in zip(rows, pairs, strict=True):
        assert row["name"].endswith(pair.name)
        assert (folder / "images" / row["image"]).read_bytes() == pair.image.read()
        assert (folder / "ground_truth" / f"{row['frame']:06d}.png").read_bytes() == pair.mask.read()
    predicted = read(folder / "second" / "000001.png")
    assert (predicted[..., 2] > 0).sum() == 160
    assert (predicted.sum(axis=2) == 255).all()  # every pixel is of one class
    assert not read(folder / "first" / "000001.png")[..., 2].any()
    about = json.loads((folder / "comparison.json").read_text())
    assert (about["models"], about["frames"]) == (["old", "new"], 3)
    sizes = next(table for table in about["tables"] if "size" in table["title"])
    assert sizes["rows"][0][:3] == ["over 400 px", "2", "old"]


def test_a_few_frames_of_many_and_masks_of_another_size(run, tmp_path, monkeypatch):
    folder, status = run(write_dataset(tmp_path / "data", 40, size=128), "--limit", "20")
    assert status == 0
    lines = (folder / "frames.jsonl").read_text().splitlines()
    assert [json.loads(line)["frame"] for line in lines] == list(range(20))
    monkeypatch.setattr(
        Predictor, "predict", lambda self, images: np.repeat([[[[0.0, 0.0, 1.0]]]], len(images), axis=0)
    )
    folder, _ = run(tmp_path / "data", "--limit", "1", out="other")
    assert read(folder / "first" / "000000.png").shape == (128, 128, 3)


@pytest.mark.parametrize("limit", ["0", "-3"])
def test_a_limit_is_a_number_of_frames(run, tmp_path, limit, capsys):
    with pytest.raises(SystemExit):
        run(tmp_path, "--limit", limit)
    assert "--limit: expected a whole number of at least 1" in capsys.readouterr().err


def test_what_cannot_be_compared_is_one_sentence(run, tmp_path, capsys, monkeypatch):
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "mine.txt").write_text("mine")
    assert run(tmp_path, out="held")[1] == 2
    assert "new or empty folder" in capsys.readouterr().err
    assert run(tmp_path / "nowhere")[1] == 2
    assert "does not exist" in capsys.readouterr().err
    labels = draw_labels(np.random.default_rng(0), 64)
    write_frame(tmp_path / "one", "a_cam1_0.png", "a_mask_0.png", paint(labels), labels)
    monkeypatch.setattr(command, "track", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    assert run(tmp_path / "one", out="stopped")[1] == 130
