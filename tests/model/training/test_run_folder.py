"""The files of a training."""

import json
from dataclasses import replace

import numpy as np
import pytest

from dataset.masks.ignored import Box, IgnoredBox
from dataset.schema import DEFAULT_CLASSES, HERO
from model.data.packing import pack
from model.data.sources import collect
from model.training.pictures import plot_curves
from model.training.run_folder import RunFolder
from tests.model.labelled_frames import find_frames, write_dataset

BOX = IgnoredBox(Box(10, 10, 20, 20), HERO)


def test_results_of_an_older_version_get_new_columns(tmp_path):
    run = RunFolder(tmp_path)
    run.append_results({"epoch": 1, "minutes": 0.5, "loss": 0.8, "score": 0.1})
    run.append_results({"epoch": 2, "minutes": 1.0, "loss": 0.7, "score": 0.2, "cross_entropy": 0.05})
    assert [row["cross_entropy"] for row in run.results()] == ["", "0.05"]
    plot_curves(run.results(), tmp_path / "results.png", DEFAULT_CLASSES)
    assert (tmp_path / "results.png").stat().st_size > 1000


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut off"])
def test_a_damaged_checkpoint_is_named_with_what_to_do(tmp_path, damage):
    run = RunFolder(tmp_path)
    run.save_checkpoint({"weight0": np.zeros(3)})
    assert list(run.load_checkpoint()) == ["weight0"]
    run.checkpoint.write_bytes(damage)
    with pytest.raises(ValueError, match=r"checkpoint\.npz is damaged .*--init FOLDER/last\.h5"):
        run.load_checkpoint()


def test_what_a_killed_training_was_writing_is_removed(tmp_path):
    run = RunFolder(tmp_path)
    run.save_checkpoint({"weight0": np.zeros(3)})
    for name in (".checkpoint-7-8.npz", ".last-7-8.h5", ".best-7-8.h5"):
        (tmp_path / name).write_bytes(b"half")
    run.remove_partial_files()
    assert [file.name for file in tmp_path.iterdir()] == ["checkpoint.npz"]


@pytest.mark.parametrize("content", ["", "[1, 2]", '{"preset": "fcn'])
def test_damaged_settings_are_named_with_what_to_do(tmp_path, content):
    (tmp_path / "settings.json").write_text(content)
    with pytest.raises(ValueError, match=r"settings\.json is damaged.*--init FOLDER/last\.h5"):
        RunFolder(tmp_path).settings()


@pytest.mark.parametrize(("part", "file"), [("masks", "run_1_mask_00001.png"), ("images", "run_1_cam1_00001.jpeg")])
def test_other_labels_and_other_frames_of_the_same_name_are_noticed(tmp_path, part, file):
    """Two datasets of one name, of different people say, whose frames have the same names, too."""
    folders = [write_dataset(tmp_path / name / "train", 3, size=64, seed=seed) for seed, name in enumerate("ab")]
    run = RunFolder(tmp_path / "run")

    def begin():
        frames = collect([str(folder) for folder in folders], hold_out_by_default=False).train
        run.write_manifest({"train": pack(frames, tmp_path / "cache", 64), "validation": None})

    begin()
    run.save_checkpoint({})
    begin()
    other = folders[0] / part / file
    other.write_bytes(other.with_name(file.replace("1.", "2.")).read_bytes())
    with pytest.raises(ValueError, match=r"train: 1 with another mask.*last\.h5"):
        begin()
    manifest = json.loads((run.path / "manifest.json").read_text())
    del manifest["train"]["frames"]  # of an earlier version
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    begin()


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ({"excluded": frozenset({1})}, {"excluded": frozenset({2})}, "other frames are left out"),
        ({"ignored": {0: (BOX,)}}, {"ignored": {1: (BOX,)}}, "other parts of frames are left out"),
        ({}, {"ignored": {0: (BOX,)}}, "other parts of frames are left out"),
    ],
)
def test_a_training_goes_on_only_without_what_it_began_without(tmp_path, before, after, change):
    """The file of --without may have changed meanwhile."""
    frames = pack(find_frames(write_dataset(tmp_path / "train", 3, size=64)), tmp_path / "cache", 64)
    run = RunFolder(tmp_path / "run")
    run.write_manifest({"train": replace(frames, **before)})
    run.save_checkpoint({})
    run.write_manifest({"train": replace(frames, **before)})
    with pytest.raises(ValueError, match=rf"train: {change}\. Restore them"):
        run.write_manifest({"train": replace(frames, **after)})
    manifest = json.loads((run.path / "manifest.json").read_text())
    del manifest["train"]["excluded"], manifest["train"]["ignored"]  # of an earlier version
    (run.path / "manifest.json").write_text(json.dumps(manifest))
    run.write_manifest({"train": replace(frames, **after)})
