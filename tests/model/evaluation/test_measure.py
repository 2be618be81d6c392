"""Measuring: frames of several sizes, unreadable ones, and the official data with known scores."""

import cv2
import numpy as np
import pytest

from dataset.archives import DatasetError
from dataset.pairs import find_pairs, read_labels
from model.evaluation.measure import load_predictors
from model.inference.segmenter import Segmenter
from tests.model.devices import pretend_fast_bfloat16
from tests.model.evaluation.synthetic import evaluate, write_frame

pytestmark = pytest.mark.slow


def test_frames_of_several_sizes_and_more_than_a_batch(tmp_path):
    for index in range(40):
        write_frame(tmp_path, f"f{index:02}", ground_truth=(0, 0, 8, 8), size=(32, 48)[index % 3 == 0])
    evaluation = evaluate(tmp_path)
    assert [result.pair for result in evaluation.results] == find_pairs(tmp_path)[0]
    assert all(result.hero_iou == 1.0 for result in evaluation.results)
    assert evaluation.milliseconds > 0


def test_an_unreadable_frame_is_named(tmp_path):
    write_frame(tmp_path, "a", ground_truth=(0, 0, 8, 8))
    (tmp_path / "masks" / "a_mask_1.png").write_bytes(b"not a picture")
    with pytest.raises(DatasetError, match=r"a_mask_1\.png"):
        evaluate(tmp_path)


def test_measurements_are_in_float32_even_where_bfloat16_is_faster(weights, monkeypatch):
    """Their difference is up to 0.002 of the score, and which is faster depends on what else the machine does."""
    pretend_fast_bfloat16(monkeypatch)
    (predictor,) = load_predictors([str(weights)], "openvino", []).values()
    assert "OpenVINO float32" in predictor.describe()
    assert "OpenVINO bfloat16" in Segmenter(weights, "openvino").describe()


@pytest.mark.parametrize(("width", "is_target"), [(10, False), (40, True)])  # 2.5 and 10 pixels at 256x256
def test_a_target_of_own_classes_is_detected_by_its_size_at_256_pixels(tmp_path, width, is_target):
    labels = np.zeros((512, 512), np.uint8)
    labels[100, 100 : 100 + width] = 1
    for role in ("images", "masks"):
        (tmp_path / role).mkdir()
        cv2.imwrite(str(tmp_path / role / "a.png"), labels if role == "masks" else labels[..., None].repeat(3, 2) * 200)
    (tmp_path / "classes.toml").write_text('target = "cone"\n[classes]\nroad = 0\ncone = 1\n')

    class Perfect:
        def predict(self, images):
            return np.eye(2, dtype=np.float32)[labels][None]

    (result,) = evaluate(tmp_path, predictor=Perfect()).results
    assert (result.has_target, result.score.present, result.score.detected) == (is_target,) * 3
    assert result.frame_score == 1.0
    assert (result.confidence > 0.5) == is_target


@pytest.mark.parametrize("names", [("background", "people", "hero"), ("road", "cyclist", "cone")])
def test_a_target_in_ignored_pixels_is_found_at_no_threshold(tmp_path, names):
    labels = np.zeros((64, 64), np.uint8)
    labels[8:16, 8:16] = 9
    for role in ("images", "masks"):
        (tmp_path / role).mkdir()
        cv2.imwrite(str(tmp_path / role / "a.png"), labels)
    numbers = "\n".join(f"{name} = {number}" for number, name in enumerate(names))
    (tmp_path / "classes.toml").write_text(f'target = "{names[2]}"\nignored = 9\n[classes]\n{numbers}\n')

    class FindsIgnored:
        def predict(self, images):
            return np.eye(3, dtype=np.float32)[np.where(labels == 9, 2, 0)][None]

    (result,) = evaluate(tmp_path, predictor=FindsIgnored()).results
    assert not result.score.detected
    assert result.confidence == 0.0


class Oracle:
    """Predicts the ground truth of each frame, in order."""

    def __init__(self, pairs):
        self.pairs = iter(pairs)

    def predict(self, images):
        return np.stack([np.eye(3, dtype=np.float32)[read_labels(next(self.pairs))] for _ in images])


def test_a_perfect_predictor_reaches_what_the_original_gave_it(shared):
    source = shared / "data" / "sample_evaluation_data.zip"
    pairs, _ = find_pairs(source)
    evaluation = evaluate(source, predictor=Oracle(pairs))
    assert evaluation.final_score == pytest.approx(0.997, abs=0.0005)
    assert [score.frames for score in evaluation.sets.values()] == [542, 270, 322]


@pytest.mark.parametrize(
    ("name", "every", "score", "tolerance"),
    [
        ("fcn_160_h5_names/model_weights.h5", 1, 0.405, 0.003),
        # The larger network takes a minute for all frames; the score of an eighth of them is less certain.
        ("fcn_160_large/model_weights", 8, 0.448, 0.06),
    ],
)
def test_models_of_2017_score_what_they_scored(shared, name, every, score, tolerance):
    source = shared / "data" / "sample_evaluation_data.zip"
    evaluation = evaluate(source, predictor=Segmenter(shared / "legacy_models" / name), every=every)
    assert evaluation.final_score == pytest.approx(score, abs=tolerance)
