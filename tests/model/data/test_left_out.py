"""What an audit has found is neither drawn nor measured; the packed files stay as they are."""

from dataclasses import replace

import numpy as np
import pytest

from dataset.audit.findings import Finding, write_findings
from dataset.pairs import read_labels
from dataset.schema import HERO, IGNORED
from model.data.cleaning import CleanSplit
from model.data.left_out import LeftOut


@pytest.fixture
def left_out(tmp_path):
    """Write findings, and return what they say to leave out."""

    def write(*findings: Finding) -> LeftOut:
        write_findings(tmp_path / "audit.csv", findings)
        return LeftOut(tmp_path / "audit.csv")

    return write


def finding(frame: str, kind: str = "swapped classes", leave_out: str = "yes", box=(0, 0, 0, 0), same_as: str = ""):
    return Finding(leave_out, kind, 1.0, "a", "b", "hero", *box, 256, 256, frame, same_as, "why")


def test_a_frame_is_excluded_only_if_the_file_says_yes(dataset, left_out):
    frames = dataset[1]
    split = CleanSplit(frames, None, (), ())
    cleaned, note = left_out(finding(frames.names[4]), finding(frames.names[5], leave_out="no")).split(split)
    assert set(frames.usable) - set(cleaned.train.usable) == {4}
    assert "1 x swapped classes" in note


def test_a_hidden_target_is_ignored_in_training(dataset, left_out):
    pairs, frames = dataset
    (row,) = np.flatnonzero(frames.areas[:, HERO])[:1].tolist()
    hero = next(person for person in frames.people_in(row) if person.label == HERO)
    box = hero.top, hero.left, hero.bottom, hero.right
    found = left_out(finding(frames.names[row], "hidden", box=box))
    cleaned = found.split(CleanSplit(frames, None, (), ()))[0].train
    inside = np.s_[hero.top : hero.bottom, hero.left : hero.right]
    assert (frames.labels[row][inside] == HERO).any()  # the file is as it was
    for labels in (cleaned.labels[row], cleaned.labels[[0, row]][1], cleaned.labels[row : row + 1][0]):
        assert not (labels[inside] == HERO).any()
        assert (labels[inside] == IGNORED).any()
    assert (cleaned.labels[row, 3:9, 4:8] == cleaned.labels[row][3:9, 4:8]).all()
    assert cleaned.areas[row, HERO] == np.count_nonzero(cleaned.labels[row] == HERO) < frames.areas[row, HERO]
    assert hero not in cleaned.people_in(row)
    assert cleaned.has_ignored
    assert not frames.has_ignored
    # And of pairs that are evaluated.
    rows, left, _ = found.pairs(pairs)
    assert rows == list(range(len(pairs)))
    np.testing.assert_array_equal(read_labels(left[row]), cleaned.labels[row])
    # And of the training's own report, which measures the files.
    np.testing.assert_array_equal(read_labels(cleaned.sources[row].pair), cleaned.labels[row])


def test_of_copies_the_one_for_validation_stays(dataset, left_out):
    frames = dataset[1]
    training, validation = frames.exclude({7}), frames.exclude(set(range(12)) - {7})
    found = left_out(finding(frames.names[7], "copy", same_as=frames.names[2]))
    both = found.split(CleanSplit(training, validation, (), ()))[0]
    assert both.validation is not None
    assert both.validation.usable.tolist() == [7]
    assert 2 not in both.train.usable
    alone = found.split(CleanSplit(frames, None, (), ()))[0]
    assert set(frames.usable) - set(alone.train.usable) == {7}


def test_a_file_about_other_frames_is_said(dataset, left_out):
    frames = replace(dataset[1])
    _, note = left_out(finding("0-0")).split(CleanSplit(frames, None, (), ()))
    assert "nothing in it is about these frames" in note
