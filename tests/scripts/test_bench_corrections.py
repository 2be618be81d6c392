"""The benchmark of corrections: its flight and corrections as a command, and what it counts as an error of labels."""

import json
import shutil
from argparse import Namespace
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataset.masks.labels import decode_labels
from dataset.recordings.recording import open_recording
from dataset.review.relabelling import NewLabels, replace_labels
from dataset.schema import HERO, PEOPLE
from model.settings import load_settings
from model.training.arguments import parse
from scripts.benchmarks.__main__ import main
from scripts.benchmarks.corrections import training
from scripts.benchmarks.harness.label_errors import label_errors

WALK = Path(__file__).resolve().parents[1] / "dataset" / "recordings" / "walk"


@pytest.mark.slow
@pytest.mark.simulator
def test_frames_are_corrected_by_the_ground_truth_that_was_kept(tiny_weights, tmp_path, capsys):
    weights, results = Path(shutil.copy(tiny_weights, tmp_path / "mine.h5")), tmp_path / "results.json"
    options = ["--steps", "0", "--seconds", "2", "--corrections", "4", "--difficulty", "plain"]
    command = [
        "corrections",
        *options,
        "--weights",
        str(weights),
        "--out",
        str(tmp_path / "out"),
        "--json",
        str(results),
    ]
    assert main(command) == 0
    none, random, suspicious = json.loads(results.read_text())["labels"]
    with np.load(tmp_path / "out" / "truth.npz") as truth:
        for arm, looked_at in ((none, 0), (random, 4), (suspicious, 4)):
            recording = open_recording(tmp_path / "out" / "recordings" / arm["corrected"])
            assert len(recording.frames) == arm["frames"] == 10
            corrected = [each for each in recording.frames if each.label_source == "person"]
            assert len(corrected) == arm["looked_at"] == looked_at
            assert {each.label_source for each in recording.frames} <= {"model", "person"}
            for record in corrected:
                labels = decode_labels((recording.path / "masks" / f"{record.frame}.png").read_bytes(), (256, 256))
                np.testing.assert_array_equal(labels, truth[record.frame])
    assert random["still_wrong"] == none["still_wrong"] - random["were_wrong"]

    flown = (tmp_path / "out" / "truth.npz").stat().st_mtime_ns
    assert main(command) == 0  # all is there
    assert (tmp_path / "out" / "truth.npz").stat().st_mtime_ns == flown
    assert main([*command, "--corrections", "5"]) == 2
    assert "was made with other options" in capsys.readouterr().err
    weights.write_bytes(weights.read_bytes() + b" ")
    assert main(command) == 2  # it is another network
    assert "was made with other options or weights" in capsys.readouterr().err


def test_wrong_objects_are_errors_and_wide_outlines_are_not(tmp_path):
    walk = Path(shutil.copytree(WALK, tmp_path / "walk"))
    recording = open_recording(walk)
    masks = {each.frame: (walk / "masks" / f"{each.frame}.png").read_bytes() for each in recording.frames}
    truth = {frame: decode_labels(mask, (256, 256)) for frame, mask in masks.items()}
    assert not label_errors(walk, truth).frames
    assert label_errors(walk, truth).pixels == 0

    missed, besides, wide, *_ = (each.frame for each in recording.frames if each.hero_pixels > 100)
    labels = {frame: truth[frame].copy() for frame in (missed, besides, wide)}
    labels[missed][labels[missed] == HERO] = PEOPLE
    labels[besides][250:253, 2:5] = HERO
    labels[wide][cv2.dilate((truth[wide] == HERO).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0] = HERO
    replace_labels(recording, [NewLabels(frame, each, "model", "") for frame, each in labels.items()])
    errors = label_errors(walk, truth)
    assert (errors.missed, errors.false_positives) == ({missed}, {besides})
    assert errors.frames == {missed, besides}
    changed = sum(np.count_nonzero((each == HERO) != (truth[frame] == HERO)) for frame, each in labels.items())
    assert errors.pixels == changed


def test_the_trainings_take_as_many_steps_from_the_same_weights(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text("[sampling]\ncorrected_weight = 2.0\n")
    options = Namespace(out=tmp_path, weights="model_weights.h5", data=[Path("train.zip")], steps=400, settings=own)
    parsed = {arm: parse(None, training(options, arm, tmp_path / "runs" / arm)) for arm in ("none", "random")}
    for arm, arguments in parsed.items():
        settings = load_settings(Path(str(arguments.settings)), arguments.setting_overrides())
        assert settings.epochs * settings.steps_per_epoch == 400
        assert settings.sampling.corrected_weight == 2.0
        assert arguments.recordings == (str(tmp_path / "recordings" / arm),)
    assert parsed["none"].init == parsed["random"].init
    assert parsed["none"].init.endswith("model_weights.h5")
