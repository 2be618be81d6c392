"""Predictions as files: those of the original are scored, ours are written alike and score what the model does."""

import json

import cv2
import numpy as np
import pytest

from dataset.pairs import find_pairs
from model.evaluate import main
from model.evaluation.results import OFFICIAL_SETS
from tests.model.evaluation.synthetic import write_frame

pytestmark = pytest.mark.slow


def evaluate(tmp_path, *arguments):
    out = tmp_path / "report.json"
    assert main([*map(str, arguments), f"--json={out}"]) == 0
    return json.loads(out.read_text())


def test_predictions_are_written_as_for_the_graders_and_score_what_the_model_does(official, weights, tmp_path):
    (model,) = evaluate(tmp_path, weights, official, "--predictions", tmp_path / "written")
    for name in OFFICIAL_SETS:
        files = sorted((tmp_path / "written" / name).iterdir())
        assert [file.name for file in files] == ["a_cam1_1_prediction.png", "b_cam1_1_prediction.png"]
        image = cv2.imread(str(files[0]), cv2.IMREAD_UNCHANGED)
        assert (image.dtype, image.shape) == (np.uint8, (32, 32, 3))
    red = cv2.imread(str(tmp_path / "written" / "following_images" / "a_cam1_1_prediction.png"))[:8, :8]
    assert (red[..., 0] > 127).all()  # blue is the hero
    (stored,) = evaluate(tmp_path, tmp_path / "written", official)
    assert stored["final_score"] == model["final_score"] == pytest.approx(0.375)
    assert stored["sets"] == model["sets"]
    assert stored["milliseconds_per_frame"] is None


def test_predictions_of_the_original_are_scored(shared, tmp_path):
    """A line for line transcription of the original's scoring of one set, without this project's code."""
    folder = shared / "legacy_models" / "fcn_256_with_predictions" / "predictions" / "following_images"
    data = tmp_path / "data"
    pairs, _ = find_pairs(shared / "data" / "sample_evaluation_data.zip")
    ious = []
    for pair in pairs:
        path = folder / f"{pair.image.name.removesuffix('.jpeg')}_prediction.png"
        if path.exists():
            for role, file in (("images", pair.image), ("masks", pair.mask)):
                (data / role).mkdir(parents=True, exist_ok=True)
                (data / role / file.name).write_bytes(file.read())
            truth = cv2.imread(str(data / "masks" / pair.mask.name))[..., 0] > 0
            predicted = cv2.imread(str(path))[..., 0] > 127
            union = np.logical_or(truth, predicted).sum()
            ious.append(np.logical_and(truth, predicted).sum() / union if union else 0.0)
    (stored,) = evaluate(tmp_path, folder, data)
    assert stored["sets"]["all frames"]["frames"] == len(ious) > 5
    assert stored["sets"]["all frames"]["iou"][2] == pytest.approx(np.mean(ious), abs=1e-6)


@pytest.fixture
def two_runs(tmp_path):
    """Two folders with frames of the same names."""
    for run, truth in (("one", (0, 0, 8, 8)), ("two", None)):
        write_frame(tmp_path / "data" / run, "a", ground_truth=truth)
    return tmp_path / "data"


def test_frames_of_one_name_and_several_models_have_folders_of_their_own(two_runs, weights, tmp_path):
    other = tmp_path / "other" / weights.name
    other.parent.mkdir()
    other.write_bytes(weights.read_bytes())
    models = evaluate(tmp_path, weights, other, two_runs, "--predictions", tmp_path / "written")
    assert len(list((tmp_path / "written").rglob("*_prediction.png"))) == 4
    for folder, model in zip(sorted((tmp_path / "written").iterdir()), models, strict=True):
        (stored,) = evaluate(tmp_path, folder, two_runs)
        assert stored["sets"] == model["sets"]


def test_a_folder_with_something_in_it_is_left_alone(official, weights, tmp_path, capsys):
    (tmp_path / "mine").write_text("mine")
    assert main([str(weights), str(official), "--predictions", str(tmp_path)]) == 2
    assert "expected a new or empty folder for --predictions" in capsys.readouterr().err


def test_a_missing_prediction_is_named(two_runs, tmp_path, capsys):
    (tmp_path / "stored").mkdir()
    cv2.imwrite(str(tmp_path / "stored" / "b_prediction.png"), np.full((4, 4, 3), 255, np.uint8))
    assert main([str(tmp_path / "stored"), str(two_runs)]) == 2
    error = capsys.readouterr().err
    assert "2 have none or several" in error
    assert "there is no a_cam1_1_prediction.png" in error


def test_the_predictions_of_an_undecided_network_are_read(tmp_path):
    write_frame(tmp_path / "data", "a")
    (tmp_path / "stored").mkdir()
    cv2.imwrite(str(tmp_path / "stored" / "a_cam1_1_prediction.png"), np.full((4, 4, 3), 84, np.uint8))
    assert evaluate(tmp_path, tmp_path / "stored", tmp_path / "data")


@pytest.mark.parametrize(
    "image",
    [
        np.ones((4, 4, 3), np.uint8),
        np.full((4, 4, 3), 255, np.uint8),
        np.full((4, 4), 255, np.uint8),
        np.full((4, 4, 3), 65535, np.uint16),
    ],
    ids=["class numbers", "white", "grey", "16 bits"],
)
def test_other_pictures_are_no_predictions(tmp_path, capsys, image):
    write_frame(tmp_path / "data", "a")
    (tmp_path / "stored").mkdir()
    cv2.imwrite(str(tmp_path / "stored" / "a_cam1_1_prediction.png"), image)
    assert main([str(tmp_path / "stored"), str(tmp_path / "data")]) == 2
    assert "a_cam1_1_prediction.png: expected the probabilities" in capsys.readouterr().err
