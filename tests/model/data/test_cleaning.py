"""Every problem of the data is named, and unfit frames are excluded."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from dataset.recordings.frame_record import FrameRecord
from model.data.cleaning import clean_split, describe_validation, merge_seen_in_training
from model.data.packing import pack
from model.data.sources import collect
from tests.model import own_classes
from tests.model.labelled_frames import draw_labels, paint, write_dataset, write_frame

USES = ("training", "validation")


def cleaned(tmp_path, *data, **options):
    """Sources and clean split of these data."""
    sources = collect([str(path) for path in data], **options)
    frames = pack(sources.train, tmp_path / "cache", 64)
    validation = pack(sources.validation, tmp_path / "cache", 64) if sources.validation else None
    return sources, clean_split(sources, frames, validation)


def repaint(folder, colour):
    """Give all pixels of a dataset's masks one colour, RGB."""
    for mask in (folder / "masks").iterdir():
        cv2.imwrite(str(mask), np.full(cv2.imread(str(mask)).shape, colour[::-1], np.uint8))


def test_every_problem_is_named_and_its_frame_excluded(tmp_path):
    folder = write_dataset(tmp_path / "train", 9, size=64)
    images, masks = folder / "images", folder / "masks"
    (masks / "run_1_mask_00000.png").unlink()
    (images / "run_1_cam1_00001.jpeg").write_bytes(b"\xff\xd8 cut short")
    cv2.imwrite(str(masks / "run_1_mask_00002.png"), np.full((64, 64, 3), 77, np.uint8))
    cv2.imwrite(str(masks / "run_1_mask_00003.png"), np.zeros((64, 64, 3), np.uint8))
    cv2.imwrite(str(masks / "run_1_mask_00004.png"), np.full((32, 32, 3), (0, 0, 255), np.uint8))
    (tmp_path / "train" / "empty" / "images").mkdir(parents=True)
    background = np.zeros((64, 64), np.uint8)
    for number in range(2):
        image = paint(background) - np.uint8(number)
        write_frame(tmp_path / "sky", f"sky_cam1_{number}.png", f"sky_mask_{number}.png", image, background)
    copied = (images / "run_1_cam1_00005.jpeg").read_bytes()
    validation = write_dataset(tmp_path / "validation", 3, size=64, seed=1)
    (validation / "images" / "run_1_cam1_00002.jpeg").write_bytes(copied)

    sources, split = cleaned(tmp_path, folder, tmp_path / "sky", validation=[str(validation)])
    named = {problem.kind: str(problem) for problem in split.problems}
    for kind, name in {
        "no mask": "run_1_cam1_00000.jpeg",
        "unreadable": "run_1_cam1_00001.jpeg",
        "colours": "run_1_mask_00003.png",
        "size": "run_1_mask_00004.png",
        "empty": "empty",
        "background": "sky",
        "in validation": "run_1_cam1_00005.jpeg",
    }.items():
        assert name in named.pop(kind)
    assert named == {}
    assert sum("run_1_mask_00002.png" in str(problem) for problem in split.problems) == 1
    usable = [sources.train[row].pair.image.path.name[-10:-5] for row in split.train.usable]
    assert usable == ["00006", "00007", "00008"]
    assert len(split.validation.usable) == 3


def test_swapped_red_and_blue_stop_or_are_left_out(tmp_path):
    swapped, good = (
        write_dataset(tmp_path / "swapped", 30, size=32),
        write_dataset(tmp_path / "good", 6, size=32, seed=1),
    )
    for file in (swapped / "masks").iterdir():
        cv2.imwrite(str(file), cv2.imread(str(file))[..., ::-1])
    split = cleaned(tmp_path, swapped, good)[1]
    assert {problem.kind for problem in split.problems} == {"shares"}
    assert len(split.problems) == 30  # those of the block that is held out, too
    origins = {part.sources[row].origin for part in (split.train, split.validation) if part for row in part.usable}
    assert origins == {str(good)}


def test_a_held_out_block_of_background_is_not_a_source_of_background(tmp_path):
    folder = write_dataset(tmp_path / "patrol", 60, size=32)
    held_out = {frame.pair.mask.path for frame in collect([str(folder)]).validation}
    assert len(held_out) == 3
    for mask in held_out:  # for a moment the camera shows no person
        cv2.imwrite(str(mask), np.full((32, 32, 3), (0, 0, 255), np.uint8))
    split = cleaned(tmp_path, folder)[1]
    assert split.problems == ()
    assert len(split.validation.usable) == 3
    chosen = write_dataset(tmp_path / "chosen", 3, size=32)
    repaint(chosen, (255, 0, 0))
    assert [each.kind for each in cleaned(tmp_path, folder, validation=[str(chosen)])[1].problems] == ["background"]


@pytest.mark.parametrize("use", USES)
def test_masks_of_ignored_pixels_only_are_a_problem(tmp_path, use):
    """So are masks of roads that are all black."""
    folders = {each: own_classes.write_dataset(tmp_path / each, 3, seed) for seed, each in enumerate(USES)}
    repaint(folders[use], (0, 0, 0))
    _, split = cleaned(tmp_path, folders["training"], validation=[str(folders["validation"])])
    (problem,) = split.problems
    assert str(problem) == (
        f"{folders[use]}: every pixel is ignored in all 3 masks: there is nothing to learn or to measure"
    )


def write_recording(folder, count, pseudo_labelled):
    """Write a recording whose first `pseudo_labelled` frames are labelled by the network, not by the simulator."""
    labels = draw_labels(np.random.default_rng(0), 32)
    lines = []
    for number in range(count):
        write_frame(folder, f"{number:06d}.png", f"{number:06d}.png", paint(labels) - np.uint8(number), labels)
        source = "model" if number < pseudo_labelled else "simulator"
        lines.append(FrameRecord(f"{number:06d}", f"{number:06d}.png", source, 0, 0).to_line())
    (folder / "frames.jsonl").write_bytes(b"".join(lines))
    return str(folder)


def test_pseudo_labelled_frames_among_those_that_are_held_out_are_not_trained_on(tmp_path):
    """The middle two of forty are held out, and the first of them is pseudo-labelled."""
    sources = collect([], [write_recording(tmp_path / "flight", 40, pseudo_labelled=20)])
    assert [frame.pair.name for frame in sources.validation] == ["000020"]
    assert {frame.pair.name for frame in sources.train} == {f"{number:06d}" for number in range(40)} - {
        "000019",
        "000020",
    }
    assert "1 frames beside those that are held out are left out of training" in sources.notes


def test_pseudo_labelled_frames_are_noted_and_not_validated(tmp_path):
    flight = write_recording(tmp_path / "flight", 40, pseudo_labelled=40)
    official = write_dataset(tmp_path / "official", 40, size=32)
    sources = collect([str(official)], [flight])
    assert {frame.pair.recording for frame in sources.validation} == {"official/run_1"}
    assert sum(frame.pair.pseudo_labelled for frame in sources.train) == 40
    assert [note.partition(":")[0] for note in sources.notes] == ["40 of 78 training frames are pseudo-labelled"]
    mixed = write_recording(tmp_path / "mixed", 10, pseudo_labelled=4)
    sources, split = cleaned(tmp_path, official, validation=[mixed])
    assert [frame.pair.name for frame in sources.validation] == [f"{number:06d}" for number in range(4, 10)]
    assert split.notes == ("4 of 10 validation frames are pseudo-labelled: they are left out",)
    held = collect([str(official)], [flight], hold_out=["flight"])
    assert (len(held.train), held.validation) == (40, ())


def test_the_description_names_the_validation_frames_and_the_model_they_favour(tmp_path):
    official, other = (
        write_dataset(tmp_path / "official", 40, size=32),
        write_dataset(tmp_path / "other", 5, 32, seed=1),
    )
    sources, split = cleaned(tmp_path, official)
    everything = merge_seen_in_training(
        split.train.digests, [split.validation.digests]
    )  # of a model trained without hold-out
    text = describe_validation(split.validation, sources.explicit, everything)
    assert (
        f"Measured on 2 frames: 2 of {official}, held out of the data by default. The old model was trained on 2"
        in text
    )
    assert "The old model was trained on none of them" in describe_validation(
        split.validation, sources.explicit, split.train.digests
    )
    assert "file does not record" in describe_validation(split.validation, sources.explicit, None)
    sources, split = cleaned(tmp_path, official, validation=[str(other)])
    text = describe_validation(split.validation, sources.explicit, everything)
    assert text.startswith(f"Measured on 5 frames: 5 of {other}. The old model was trained on none of them.")
    assert merge_seen_in_training(everything, [everything, None]) is None
    sources_of = [
        replace(each, pair=replace(each.pair, corrected=row < 2)) for row, each in enumerate(split.validation.sources)
    ]
    text = describe_validation(replace(split.validation, sources=tuple(sources_of)), sources.explicit, everything)
    assert "A person corrected the labels of 2 of them." in text


def test_repeated_pictures_are_noted_and_kept(tmp_path):
    folder = write_dataset(tmp_path / "train", 4, size=64)
    data = (folder / "images" / "run_1_cam1_00001.jpeg").read_bytes()
    (folder / "images" / "run_1_cam1_00002.jpeg").write_bytes(data)
    _, split = cleaned(tmp_path, folder)
    assert split.problems == ()
    assert len(split.train.usable) == 4
    assert "2 training frames" in split.notes[0]
    assert "run_1_cam1_00001.jpeg" in split.notes[0]
