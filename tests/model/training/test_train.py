"""The training command as a person uses it."""

import json
import sys

import numpy as np
import pytest

from model.training.run_folder import RunFolder
from model.weights import load_model
from tests.model import own_classes
from tests.model.labelled_frames import write_dataset
from tests.model.training.train_command import arguments, train

pytestmark = pytest.mark.training


def test_a_training_leaves_a_model_that_loads_and_a_complete_run_folder(data, tmp_path):
    run = tmp_path / "run"
    status, printed = train(*arguments(data, run), "--epochs", 4, "--validation-interval", 4)
    assert status == 0, printed
    assert "By target size" in printed
    names = {path.name for path in run.iterdir()}
    assert {"arguments.json", "settings.json", "manifest.json", "versions.json", "results.csv", "results.png"} <= names
    assert {"best.h5", "last.h5", "checkpoint.npz", "validation.md", "examples.png"} <= names
    assert [path.name for path in (run / "worst").iterdir()] == ["best.h5.png"]
    manifest = json.loads((run / "manifest.json").read_text())
    assert manifest["train"]["recordings"] == {"train/run_1": 9}
    assert len(set(manifest["train"]["images"].values())) == 9

    rows = RunFolder(run).results()
    assert [row["epoch"] for row in rows] == [str(number) for number in range(1, 5)]
    assert float(rows[-1]["loss"]) < float(rows[0]["loss"])
    assert 0 <= float(rows[-1]["hero_iou_train over 400 px"]) <= 1
    assert [row["score"] != "" for row in rows] == [False, False, False, True]
    assert 0 < float(rows[-1]["cross_entropy"]) < 10
    digests = [int(each[:16], 16) for each in manifest["train"]["images"].values()]
    assert sorted(load_model(run / "best.h5").seen_in_training.tolist()) == sorted(digests)
    loaded = load_model(run / "last.h5")
    probabilities = np.asarray(loaded.model(np.zeros((1, *loaded.input_size, 3), np.float32)))
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-4)


def test_bad_data_is_named_before_training_starts(data, tmp_path):
    folder = write_dataset(tmp_path / "bad", 3)
    (folder / "masks" / "run_1_mask_00001.png").unlink()
    status, printed = train("--data", folder, "--run", tmp_path / "run", "--cache", tmp_path / "cache")
    assert status == 2
    assert "run_1_cam1_00001.jpeg" in printed
    assert "--skip-bad" in printed
    assert "run_1_cam1_00001.jpeg" in (tmp_path / "run" / "problems.txt").read_text()
    assert not (tmp_path / "run" / "results.csv").exists()


def test_masks_of_other_names_are_named_before_classes_are_compared(tmp_path):
    """Without a pair the data have no classes; those of the validation frames are not theirs."""
    folder = write_dataset(tmp_path / "train", 2)
    for name in "ab":
        next((folder / "masks").glob("run*")).rename(folder / "masks" / f"{name}.png")
    street = own_classes.write_dataset(tmp_path / "street", 2)
    begin = "--data", folder, "--validation", street, "--run", tmp_path / "run"
    status, printed = train(*begin, "--init", tmp_path / "mine.h5", "--promote")
    assert status == 2
    assert "2 x no mask, 2 x no image" in printed


def test_tensorboard_is_named_if_it_is_missing(data, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard.summary", None)
    status, printed = train(*arguments(data, tmp_path / "run"), "--tensorboard")
    assert status == 2
    assert "pip install tensorboard" in printed


def test_crops_of_an_invalid_size_are_rejected_before_frames_are_read(data, tmp_path):
    (tmp_path / "mine.toml").write_text('preset = "fcn-2"\n[augmentation]\ncrop = 67\n')
    status, printed = train(*arguments(data, tmp_path / "run"), "--settings", tmp_path / "mine.toml")
    assert status == 2
    assert "augmentation.crop: the network does not take crops of 67 pixels" in printed


def test_the_input_size_is_a_setting(data, tmp_path):
    file, run = tmp_path / "mine.toml", tmp_path / "run"
    small = (data / "settings.toml").read_text().replace("crop = 64", "crop = 160")
    file.write_text("input_size = 64\n" + small)
    status, printed = train(*arguments(data, run, validation=False), "--settings", file, "--epochs", 1)
    assert status == 0, printed
    assert load_model(run / "last.h5").input_size == (64, 64)

    file.write_text("input_size = 63\n" + small)
    status, printed = train(*arguments(data, tmp_path / "odd"), "--settings", file)
    assert status == 2
    assert "expected an input size that is a multiple of 2, got 63" in printed
    file.write_text("input_size = 96\n" + small)
    status, printed = train(*arguments(data, tmp_path / "other"), "--settings", file, "--init", run / "last.h5")
    assert status == 2
    assert "input_size is 96, but" in printed
