"""Labelling a recording again, with a network whose labels are known."""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from dataset.masks.labels import decode_labels
from dataset.recordings.recording import open_recording
from dataset.review.relabelling import NewLabels, read_log, replace_labels
from model.inference.load import load_agent_segmenter
from model.relabel import main
from tests.walk import FRAMES, SIZE

pytestmark = pytest.mark.slow
SOURCES = ["model"] * 10 + ["propagated", "person"] + ["simulator"] * (FRAMES - 12)
WALK = Path(__file__).parents[1] / "dataset" / "recordings" / "walk"


@pytest.fixture
def walk(tmp_path):
    """The walk; a model has labelled its first ten frames."""
    folder = Path(shutil.copytree(WALK, tmp_path / "walk"))
    lines = (folder / "frames.jsonl").read_text().splitlines()
    for number, source in enumerate(SOURCES):
        for other in ("model", "simulator"):
            lines[number] = lines[number].replace(f'"label_source":"{other}"', f'"label_source":"{source}"')
    (folder / "frames.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return folder


def test_only_labels_of_models_are_replaced(walk, red_finder, capsys):
    assert main([str(walk), "--weights", str(red_finder)]) == 0
    recording, before = open_recording(walk), open_recording(WALK)
    for number, record in enumerate(recording.frames):
        mask = (walk / "masks" / f"{record.frame}.png").read_bytes()
        if number >= 10:
            assert mask == (WALK / "masks" / f"{record.frame}.png").read_bytes()
            assert record.label_source == SOURCES[number]
            continue
        labels = decode_labels(mask, (SIZE, SIZE))
        assert record.label_source == "model"
        assert record.hero_pixels == np.count_nonzero(labels == 2)
        assert record.hero_pixels == pytest.approx(before.frames[number].hero_pixels, rel=0.3, abs=8)  # it wears red
    output = capsys.readouterr().out
    assert "the target is labelled in 10 of 10 frames" in output
    assert "pixels before, after" in output


def test_labels_that_are_propagated_meanwhile_are_kept(walk, red_finder, monkeypatch):
    mask = walk / "masks" / "000003.png"

    def load(*arguments, **options):
        before = decode_labels(mask.read_bytes(), (SIZE, SIZE))
        replace_labels(open_recording(walk), [NewLabels("000003", np.roll(before, 40, axis=1), "propagated", "")])
        propagated.append(mask.read_bytes())
        return load_agent_segmenter(*arguments, **options)

    propagated = list[bytes]()
    monkeypatch.setattr("model.inference.load.load_agent_segmenter", load)
    assert main([str(walk), "--weights", str(red_finder)]) == 0
    assert mask.read_bytes() == propagated[0]
    assert open_recording(walk).frames[3].label_source == "propagated"


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only names that are text")
def test_a_models_name_that_is_no_text_leaves_the_frames_readable(walk, red_finder, tmp_path):
    weights = shutil.copy(red_finder, tmp_path / os.fsdecode(b"caf\xe9.h5"))
    assert main([str(walk), "--weights", str(weights)]) == 0
    records = open_recording(walk).frames
    assert [record.labelled_by for record in records] == [r"caf\udce9.h5"] * 10 + [""] * (FRAMES - 10)
    assert [old.replaced_by for old in read_log(walk)] == [r"caf\udce9.h5"] * 10


def test_nothing_to_relabel_is_told(walk, red_finder, capsys):
    text = (walk / "frames.jsonl").read_text().replace('"label_source":"model"', '"label_source":"person"')
    (walk / "frames.jsonl").write_text(text)
    assert main([str(walk), "--weights", str(red_finder)]) == 2
    assert "no frame of walk is labelled by a model" in capsys.readouterr().err
