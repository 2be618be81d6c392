"""What is learnt from and measured on, and that everything wrong with it is named before training starts."""

import errno
import os
from dataclasses import replace

import cv2
import numpy as np
import pytest

from dataset.archives import DatasetError, Source
from dataset.pairs import Pair, find_pairs
from dataset.recordings.frame_record import FrameRecord
from model.data.augment import Augmentation
from model.data.batches import Sampling, draw_probabilities, make_batch, no_mistakes
from model.data.packed_frames import pack
from model.data.sources import gather, judge, merge_seen_in_training, parse_source, stretches, tell_measured
from tests.model.labelled_frames import draw_labels, paint, write_dataset, write_frame


def judged(tmp_path, *data, **options):
    gathered = gather([str(path) for path in data], **options)
    frames = pack(gathered.pairs, tmp_path / "cache", 64)
    validation = pack(gathered.held, tmp_path / "cache", 64) if gathered.held else None
    return gathered, judge(gathered, frames, validation)


def pairs_of(run, count):
    return [Pair(f"{number:05d}", Source(run), Source(run), run) for number in range(count)]


def test_everything_wrong_is_named_and_left_out(tmp_path):
    folder = write_dataset(tmp_path / "learn", 9, size=64)
    images, masks = folder / "images", folder / "masks"
    (masks / "run_1_mask_00000.png").unlink()
    (images / "run_1_cam1_00001.jpeg").write_bytes(b"\xff\xd8 cut short")
    cv2.imwrite(str(masks / "run_1_mask_00002.png"), np.full((64, 64, 3), 77, np.uint8))
    cv2.imwrite(str(masks / "run_1_mask_00003.png"), np.zeros((64, 64, 3), np.uint8))
    cv2.imwrite(str(masks / "run_1_mask_00004.png"), np.zeros((32, 32, 3), np.uint8))
    (tmp_path / "learn" / "later" / "images").mkdir(parents=True)
    nobody = np.zeros((64, 64), np.uint8)
    for number in range(2):
        image = paint(nobody) - np.uint8(number)
        write_frame(tmp_path / "sky", f"sky_cam1_{number}.png", f"sky_mask_{number}.png", image, nobody)
    copied = (images / "run_1_cam1_00005.jpeg").read_bytes()
    measure = write_dataset(tmp_path / "measure", 3, size=64, seed=1)
    (measure / "images" / "run_1_cam1_00002.jpeg").write_bytes(copied)

    gathered, found = judged(tmp_path, folder, tmp_path / "sky", validation=[str(measure)])
    named = {problem.kind: str(problem) for problem in found.problems}
    for kind, name in {
        "no mask": "run_1_cam1_00000.jpeg",
        "unreadable": "run_1_cam1_00001.jpeg",
        "values": "run_1_mask_00002.png",
        "classes": "run_1_mask_00003.png",
        "size": "run_1_mask_00004.png",
        "empty": "later",
        "background": "sky",
        "in validation": "run_1_cam1_00005.jpeg",
    }.items():
        assert name in named.pop(kind)
    assert named == {}
    left = [gathered.pairs[row].image.path.name[-10:-5] for row in found.frames.used]
    assert left == ["00006", "00007", "00008"]
    assert len(found.validation.used) == 3


def test_frames_left_out_are_neither_drawn_nor_copied_from(tmp_path):
    folder = write_dataset(tmp_path / "learn", 8)
    frames = judged(tmp_path, folder, validate=False)[1].frames
    only_bad = replace(frames, left_out=frozenset(range(1, 8)))
    probabilities = draw_probabilities(only_bad, Sampling(), np.ones(8))
    assert probabilities.tolist() == [1, 0, 0, 0, 0, 0, 0, 0]
    # Frame 0 has no hero, and all others may not lend theirs.
    settings = Augmentation(crop=64, paste_hero_share=1.0)
    chosen = np.zeros(8, int)
    _, labels = make_batch(only_bad, chosen, no_mistakes(only_bad)[chosen], range(8), settings)
    assert not (labels == 2).any()
    with pytest.raises(DatasetError, match="no frame is left"):
        draw_probabilities(replace(frames, left_out=frozenset(range(8))), Sampling(), np.ones(8))


def test_by_default_a_twentieth_of_every_run_is_held_out_in_stretches():
    pairs = pairs_of("a", 2000) + pairs_of("b", 60) + pairs_of("c", 19)
    held = sorted(stretches(pairs))
    assert [pairs[row].recording for row in held].count("a") == 100
    assert [pairs[row].recording for row in held].count("b") == 3
    assert [pairs[row].recording for row in held].count("c") == 0
    assert np.count_nonzero(np.diff(held) > 1) == 2  # two stretches of a, one of b
    assert stretches(pairs) == set(held)


def test_what_is_held_out_is_not_learnt_from(tmp_path):
    folder = write_dataset(tmp_path / "learn", 40, size=64)
    gathered = gather([str(folder)])
    assert (len(gathered.pairs), len(gathered.held)) == (38, 2)
    assert not {pair.name for pair in gathered.pairs} & {pair.name for pair in gathered.held}
    assert not gather([str(folder)], validate=False).held
    chosen = gather([str(folder)], hold_out=["learn"])
    assert (len(chosen.pairs), len(chosen.held)) == (0, 40)
    with pytest.raises(DatasetError, match="no run is called nowhere; there are learn"):
        gather([str(folder)], hold_out=["nowhere"])


def test_a_run_is_held_out_by_its_name_not_by_that_of_another(tmp_path):
    labels = draw_labels(np.random.default_rng(0), 32)
    for run in ("0_run1", "0_run10", "1_run2"):
        for number in range(2):
            write_frame(
                tmp_path / "train", f"{run}_cam1_{number}.png", f"{run}_mask_{number}.png", paint(labels), labels
            )
    for run in ("far", "far-2"):
        write_frame(tmp_path / "runs" / run, "000000.png", "000000.png", paint(labels), labels)
    given = [str(tmp_path / "train")], [str(tmp_path / "runs")]

    def held(*names):
        return sorted({pair.recording for pair in gather(*given, hold_out=names).held})

    assert held("run1") == ["train/0_run1"]
    assert held("far") == ["runs/far"]
    assert held("train/0_run10", "far-2") == ["runs/far-2", "train/0_run10"]
    assert held("0_run") == ["train/0_run1", "train/0_run10"]
    assert gather(*given, hold_out=["far"]).notes == ("held out: runs/far",)
    with pytest.raises(DatasetError, match="no run is called run3; there are runs/far, "):
        held("run1", "run3")


def test_a_stretch_without_anybody_is_no_empty_source(tmp_path):
    folder = write_dataset(tmp_path / "patrol", 60, size=32)
    held = {pair.mask.path for pair in gather([str(folder)]).held}
    assert len(held) == 3
    for mask in held:  # for a moment the camera shows nobody
        cv2.imwrite(str(mask), np.full((32, 32, 3), (0, 0, 255), np.uint8))
    found = judged(tmp_path, folder)[1]
    assert found.problems == ()
    assert len(found.validation.used) == 3
    chosen = write_dataset(tmp_path / "chosen", 3, size=32)
    for mask in (chosen / "masks").iterdir():
        cv2.imwrite(str(mask), np.full((32, 32, 3), (0, 0, 255), np.uint8))
    assert [each.kind for each in judged(tmp_path, folder, validation=[str(chosen)])[1].problems] == ["background"]


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system cannot reserve room on a disk")
def test_a_full_disk_is_said_before_frames_are_written(tmp_path, monkeypatch):
    folder = write_dataset(tmp_path / "learn", 3, size=32)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match=r"make room, or choose another place with --cache: .*cache"):
        pack(gather([str(folder)]).pairs, tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == []


def write_recording(folder, count, pseudo_labelled):
    """As a flight leaves it; the first `pseudo_labelled` frames are labelled by the network, not by the simulator."""
    labels = draw_labels(np.random.default_rng(0), 32)
    lines = []
    for number in range(count):
        write_frame(folder, f"{number:06d}.png", f"{number:06d}.png", paint(labels) - np.uint8(number), labels)
        source = "model" if number < pseudo_labelled else "simulator"
        lines.append(FrameRecord(f"{number:06d}", f"{number:06d}.png", source, 0, 0).to_line())
    (folder / "frames.jsonl").write_bytes(b"".join(lines))
    return str(folder)


def test_what_a_model_labelled_is_told_and_measures_nothing(tmp_path):
    flight = write_recording(tmp_path / "flight", 40, pseudo_labelled=40)
    official = write_dataset(tmp_path / "official", 40, size=32)
    gathered = gather([str(official)], [flight])
    assert {pair.recording for pair in gathered.held} == {"official/run_1"}
    assert sum(pair.pseudo_labelled for pair in gathered.pairs) == 40  # none is lost to learning
    assert [note.partition(":")[0] for note in gathered.notes] == [
        "40 of 78 frames to learn from are labelled by a model, not by the simulator"
    ]
    mixed = write_recording(tmp_path / "mixed", 10, pseudo_labelled=4)
    gathered, found = judged(tmp_path, official, validation=[mixed])
    assert [pair.name for pair in gathered.held] == [f"{number:06d}" for number in range(4, 10)]
    assert found.notes == (
        "4 of 10 frames to measure on are labelled by a model, not by the simulator: these are left out",
    )
    held = gather([str(official)], [flight], hold_out=["flight"])
    assert (len(held.pairs), held.held) == (40, ())


def test_a_report_says_what_was_measured_on_and_whom_that_favours(tmp_path):
    official, other = (
        write_dataset(tmp_path / "official", 40, size=32),
        write_dataset(tmp_path / "other", 5, 32, seed=1),
    )
    gathered, found = judged(tmp_path, official)
    everything = merge_seen_in_training(found.frames.digests, [found.validation.digests])  # of one who held nothing out
    told = tell_measured(gathered, found.validation, everything)
    assert f"Measured on 2 frames: 2 of {official}, held out of the data by default. The old model learnt 2" in told
    assert "The old model learnt none of them" in tell_measured(gathered, found.validation, found.frames.digests)
    assert "its file does not tell" in tell_measured(gathered, found.validation, None)
    gathered, found = judged(tmp_path, official, validation=[str(other)])
    told = tell_measured(gathered, found.validation, everything)
    assert told.startswith(f"Measured on 5 frames: 5 of {other}. The old model learnt none of them.")
    assert merge_seen_in_training(everything, [everything, None]) is None  # what is not known stays unknown


def test_recordings_are_drawn_as_often_as_the_rest_but_no_frame_all_the_time(tmp_path):
    many = write_dataset(tmp_path / "many", 30, size=32)
    few, one = write_dataset(tmp_path / "few", 10, size=32, seed=1), write_dataset(tmp_path / "one", 1, size=32, seed=2)
    weights = gather([f"{many}:2"], [str(few)], validate=False).weights
    assert weights[:30].sum() == pytest.approx(weights[30:].sum())
    assert gather([str(many)], [str(one)], validate=False).weights.tolist() == [1.0] * 30 + [10.0]


def test_pictures_that_are_there_twice_are_told_and_kept(tmp_path):
    folder = write_dataset(tmp_path / "learn", 4, size=64)
    data = (folder / "images" / "run_1_cam1_00001.jpeg").read_bytes()
    (folder / "images" / "run_1_cam1_00002.jpeg").write_bytes(data)
    _, found = judged(tmp_path, folder)
    assert found.problems == ()
    assert len(found.frames.used) == 4
    assert "2 frames" in found.notes[0]
    assert "run_1_cam1_00001.jpeg" in found.notes[0]


def test_a_repaired_mask_is_read_again(tmp_path):
    folder = write_dataset(tmp_path / "learn", 2, size=64)
    mask = folder / "masks" / "run_1_mask_00001.png"
    good = mask.read_bytes()
    mask.write_bytes(b"")
    assert pack(find_pairs(folder)[0], tmp_path / "cache", 64).problems.keys() == {1}
    mask.write_bytes(good)
    assert pack(find_pairs(folder)[0], tmp_path / "cache", 64).problems == {}


def test_weights_of_sources():
    from pathlib import Path

    assert parse_source("train.zip") == (Path("train.zip"), 1.0)
    assert parse_source("train.zip:0.5") == (Path("train.zip"), 0.5)
    assert parse_source("C:\\data\\train.zip") == (Path("C:\\data\\train.zip"), 1.0)
    with pytest.raises(DatasetError, match="above 0"):
        parse_source("train.zip:-1")


def test_an_empty_source_is_a_problem_not_a_crash(tmp_path):
    labels = draw_labels(np.random.default_rng(0), 32)
    write_frame(tmp_path / "new", "a_cam1_0.png", "a_mask_0.png", paint(labels), labels)
    (tmp_path / "new" / "hidden.txt").write_text("a_0\n")
    old = write_dataset(tmp_path / "old", 2, size=32)
    gathered = gather([str(old)], [str(tmp_path / "new")])
    assert [(problem.kind, problem.file) for problem in gathered.problems] == [("empty", str(tmp_path / "new"))]
