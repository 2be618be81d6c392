"""The command replaces a model by the retrained one, keeps the old file and writes a report."""

import re
import zipfile

import keras
import numpy as np
import pytest

from dataset.recordings.frame_record import FrameRecord
from model import networks
from model.evaluation.replacement import are_equal, replace_weights
from model.weights import load_model, save_model
from tests.model.labelled_frames import write_dataset
from tests.model.training.train_command import train

pytestmark = pytest.mark.slow


def test_the_old_file_is_kept(tmp_path):
    current, new = tmp_path / "model_weights.h5", tmp_path / "best.h5"
    current.write_bytes(b"old")
    new.write_bytes(b"new")
    kept = replace_weights(new, current)
    assert (current.read_bytes(), kept.read_bytes(), new.read_bytes()) == (b"new", b"old", b"new")
    assert kept.name.startswith("model_weights.20")
    assert kept.suffix == ".h5"
    assert len(list(tmp_path.iterdir())) == 3


def test_what_is_replaced_keeps_its_format_its_place_and_its_permissions(tmp_path):
    """The path that a person uses may be a link; what lies there may be an archive."""
    network = networks.Pyramid((8, 16), (1, 1), (1,)).build(64)
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    network.save(shelf / "v3.keras")
    (shelf / "v3.keras").chmod(0o640)
    current = tmp_path / "mine.keras"
    current.symlink_to(shelf / "v3.keras")
    before = (shelf / "v3.keras").read_bytes()
    network.set_weights([weight + 1 for weight in network.get_weights()])
    digests = np.array([3, 2**63], np.uint64)
    kept = replace_weights(save_model(network, tmp_path / "best.h5", {"epoch": 7}, digests), current)
    assert current.is_symlink()
    assert (kept.parent, kept.read_bytes()) == (shelf, before)
    assert (shelf / "v3.keras").stat().st_mode & 0o777 == 0o640
    keras_own = keras.saving.load_model(current)
    loaded = load_model(current)
    for each in (keras_own, loaded.model):
        for weight, expected in zip(each.get_weights(), network.get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)
    assert loaded.metadata["epoch"] == 7
    np.testing.assert_array_equal(loaded.seen_in_training, digests)


SETTINGS = """
batch_size = 8
steps_per_epoch = 20
full_frame_batch_size = 4
fine_tuning_learning_rate = 0.005
ema_decay = 0.0
mixed_precision = "float32"
full_frame_fraction = 0.0
validation_interval = 4
[augmentation]
crop = 64
"""


def test_one_command_retrains_reports_and_promotes(tmp_path):
    keras.utils.set_random_seed(0)  # a network that happened to begin well would have nothing to gain
    (tmp_path / "settings.toml").write_text(SETTINGS)
    shelf, current = tmp_path / "shelf", tmp_path / "mine.keras"  # the path that a person uses, a link to an archive
    shelf.mkdir()
    current.symlink_to(save_model(networks.Pyramid((8, 16), (1, 1), (1,)).build(64), shelf / "v3.keras"))
    before = current.read_bytes()
    images = sorted((write_dataset(tmp_path / "learn", 12, size=64) / "images").iterdir())
    corrected = [FrameRecord(image.stem, image.name, "person", 0, 0).to_line() for image in images[:5]]
    (tmp_path / "learn" / "frames.jsonl").write_bytes(b"".join(corrected))
    write_dataset(tmp_path / "measure", 36, size=64, seed=1)
    arguments = ["--init", current, "--recordings", tmp_path / "learn", "--epochs", 8, "--promote"]
    arguments += ["--validation", tmp_path / "measure", "--settings", tmp_path / "settings.toml"]
    arguments += ["--run", tmp_path / "run", "--cache", tmp_path / "cache", "--tolerance", 1]
    status, printed = train(*arguments)
    assert status == 0, printed
    assert f"promoted to {current}" in printed
    assert are_equal(load_model(current), load_model(tmp_path / "run" / "best.h5"))
    assert current.is_symlink()
    assert zipfile.is_zipfile(current)
    assert [kept.read_bytes() for kept in shelf.glob("v3.2*.keras")] == [before]
    assert load_model(current).input_size == (64, 64)
    report = (tmp_path / "run" / "retrain.md").read_text()
    assert f"Measured on 36 frames: 36 of {tmp_path / 'measure'}. The old model's file does not record" in report
    assert load_model(current).seen_in_training is None  # nor does the file that it was trained from have any
    figures = re.search(r"\*\*Promoted:\*\* hero IoU of all targets went from ([\d.]+) to ([\d.]+)", report)
    assert figures, report
    assert float(figures[2]) > float(figures[1])
    learnt = re.search(r"5 frames: hero IoU of the (\d) with the target ([\d.]+) before, ([\d.]+) after", report)
    assert learnt, report
    assert float(learnt[3]) > float(learnt[2])
    for picture in ("retrain.png", "retrain-gained.png", "retrain-learnt.png"):
        assert picture in report
        assert (tmp_path / "run" / picture).stat().st_size > 1000

    # Killed right after the promotion, it would find the new model in the old one's place.
    status, printed = train("--resume", tmp_path / "run")
    assert status == 0
    assert f"{current} is this model already" in printed
    assert (tmp_path / "run" / "retrain.md").read_text() == report
    assert len(list(shelf.iterdir())) == 2


def test_promotion_needs_frames_with_ground_truth_before_training(tmp_path):
    current = save_model(networks.Pyramid((8, 16), (1, 1), (1,)).build(64), tmp_path / "mine.h5")
    flight = write_dataset(tmp_path / "flight", 40, size=64)
    lines = [FrameRecord(path.stem, path.name, "model", 0, 0).to_line() for path in (flight / "images").iterdir()]
    (flight / "frames.jsonl").write_bytes(b"".join(lines))
    arguments = ["--init", current, "--recordings", flight, "--epochs", 1, "--promote"]
    status, printed = train(*arguments, "--run", tmp_path / "run", "--cache", tmp_path / "cache")
    assert status == 2, printed
    assert "40 of 40 training frames are pseudo-labelled" in printed
    assert "at least 20 frames to measure both models on" in printed
    assert not (tmp_path / "run" / "results.csv").exists()


def test_promotion_needs_frames_of_what_must_improve(tmp_path):
    current = save_model(networks.Pyramid((8, 16), (1, 1), (1,)).build(64), tmp_path / "mine.h5")
    learn, measure = (write_dataset(tmp_path / name, 30, size=64, seed=seed) for seed, name in enumerate("ab"))
    arguments = ["--init", current, "--data", learn, "--validation", measure, "--epochs", 1]
    arguments += ["--promote", "--better", "false-positives", "--run", tmp_path / "run", "--cache", tmp_path / "cache"]
    status, printed = train(*arguments)
    assert status == 2
    assert "at least 20 frames to measure both models on (negative frames)" in printed
    assert "there are 10:" in printed
    assert not (tmp_path / "run" / "results.csv").exists()


def test_promotion_needs_a_model_to_replace(tmp_path):
    status, printed = train("--data", tmp_path, "--promote")
    assert status == 2
    assert "--init" in printed


def test_models_that_take_or_give_something_else_are_not_replaced(tmp_path):
    """Their notebooks and other readers would misread a successor that takes 0..255 and gives probabilities."""
    x = keras.Input((64, 64, 3))
    keras.Model(x, keras.layers.Conv2D(3, 1, bias_initializer="ones")(x)).save(tmp_path / "logits.keras")
    data = write_dataset(tmp_path / "data", 1, size=64)
    status, printed = train("--init", tmp_path / "logits.keras", "--data", data, "--run", tmp_path / "run", "--promote")
    assert status == 2
    assert f"{tmp_path / 'logits.keras'} takes RGB in 0..255" in printed
    assert "ends in logits, softmax added" in printed
    assert "train without --promote" in printed


def test_a_model_of_other_classes_is_not_replaced(tmp_path, red_car_finder):
    data = write_dataset(tmp_path / "data", 1, size=64)
    begin = "--init", red_car_finder, "--preset", "fcn-1"
    status, printed = train(*begin, "--data", data, "--run", tmp_path / "run", "--promote")
    assert status == 2
    assert "cars.h5 tells apart car, road (target: car), but the classes of the data are background, people" in printed
