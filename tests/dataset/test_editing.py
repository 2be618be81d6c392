"""Cutting and joining recordings: nothing of a frame changes but, where they are joined, its name and number."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset.__main__ import main
from dataset.pairs import find_pairs
from dataset.recordings.editing import part_of, split, write
from dataset.recordings.layout import RecordingError, lock
from dataset.recordings.recording import open_recording
from tests.walk import FRAMES

WALK = Path(__file__).with_name("recordings") / "walk"
NAMES = [f"{number:06}" for number in range(FRAMES)]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder with recordings/walk, of which frame 12 is hidden; the working folder of the command."""
    shutil.copytree(WALK, tmp_path / "recordings" / "walk")
    (tmp_path / "recordings" / "walk" / "hidden.txt").write_text("000012\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(recording: Path) -> list[tuple]:
    """Each frame's record without its names and number, and the bytes of its files."""
    found = []
    for record in open_recording(recording).frames:
        line = json.loads(record.to_line())
        for key in ("frame", "image", "number"):
            del line[key]
        found.append((line, *((recording / name).read_bytes() for name in record.files())))
    return found


def test_a_copy_has_all_that_is_true_of_the_frames(folder):
    assert main(["copy", "walk", "twin"]) == 0
    walk, twin = (open_recording(folder / "recordings" / name) for name in ("walk", "twin"))
    assert twin.frames == walk.frames
    assert contents(twin.path) == contents(walk.path)
    assert twin.hidden == walk.hidden == {"000012"}
    for key in ("model", "settings", "simulator", "frame_size", "started"):
        assert twin.meta.get(key) == walk.meta.get(key)
    assert (twin.state, twin.meta["end_reason"], twin.meta["frames"]) == ("finished", "copied", FRAMES)
    assert twin.meta["edited_from"] == [{"recording": "walk", "frames": ["000000", NAMES[-1]]}]


def test_recordings_without_their_depth_images_are_copied_and_joined(folder):
    shutil.rmtree(folder / "recordings" / "walk" / "depth")
    assert main(["copy", "walk", "twin"]) == 0
    assert main(["merge", "walk", "twin", "both"]) == 0
    both = open_recording(folder / "recordings" / "both")
    assert [record.depth for record in both.frames] == [False] * 2 * FRAMES


def test_a_file_that_is_missing_is_named(folder, capsys):
    (folder / "recordings" / "walk" / "masks" / "000011.png").unlink()
    assert main(["trim", "walk", "10-13", "best"]) == 2
    assert "masks/000011.png is missing, but a line of frames.jsonl names it" in capsys.readouterr().err
    assert not (folder / "recordings" / "best").exists()


def test_trimmed_frames_keep_their_names_and_can_be_trained_on(folder):
    assert main(["trim", "walk", "10-13", "20", "best"]) == 0
    best = folder / "recordings" / "best"
    assert open_recording(best).names == ["000010", "000011", "000012", "000013", "000020"]
    assert contents(best) == [contents(WALK)[number] for number in (10, 11, 12, 13, 20)]
    pairs, problems = find_pairs(best)
    assert [pair.name for pair in pairs] == ["000010", "000011", "000013", "000020"]  # 12 is hidden
    assert problems == []


def test_parts_joined_again_are_the_whole(folder):
    assert main(["split", "walk", "7", "21"]) == 0
    parts = [folder / "recordings" / f"walk-{number}" for number in (1, 2, 3)]
    assert [len(open_recording(each).frames) for each in parts] == [7, 14, FRAMES - 21]
    assert main(["merge", *map(str, parts), "again"]) == 0
    again = open_recording(folder / "recordings" / "again")
    assert contents(again.path) == contents(WALK)
    assert again.hidden == {"000012"}
    assert again.names == NAMES
    numbers = [record.number for record in again.frames]
    steps = [after - before for before, after in pairwise(numbers)]
    assert [index for index, step in enumerate(steps, 1) if step > 1] == [7, 21]  # a replay does not go on over these


@given(st.sets(st.sampled_from(NAMES), max_size=6))
def test_parts_are_in_order_and_complete(starts):
    walk = open_recording(WALK)
    parts = split(walk, starts)
    assert [record for part in parts for record in part.frames] == list(walk.frames)
    assert {part.frames[0].frame for part in parts} == starts | {NAMES[0]}


def test_recordings_are_joined_in_the_order_given(folder):
    assert main(["trim", "walk", "0-2", "first"]) == 0
    assert main(["merge", "walk", "first", "both"]) == 0
    assert contents(folder / "recordings" / "both") == contents(WALK) + contents(WALK)[:3]


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (["copy", "walk", "walk"], "walk exists already; choose another name"),
        (["copy", "walk", "recordings/a b"], "a recording's name has letters"),
        (["trim", "walk", "99", "new"], "there are no frames 99"),
        (["split", "walk", "0"], "nothing of walk is before frame 000000"),
        (["merge", "walk", "nowhere", "new"], "there is neither nowhere nor"),
    ],
)
def test_what_cannot_be_done_is_told_and_leaves_nothing(folder, capsys, command, message):
    assert main(command) == 2
    assert message in capsys.readouterr().err
    assert [each.name for each in (folder / "recordings").iterdir()] == ["walk"]


def test_parts_are_not_written_over_other_recordings(folder, capsys):
    assert main(["copy", "walk", "walk-2"]) == 0
    assert main(["split", "walk", "9"]) == 2
    assert "walk-2 exists already" in capsys.readouterr().err
    assert not (folder / "recordings" / "walk-1").exists()


def test_frames_of_several_sizes_are_not_joined(folder, capsys):
    assert main(["copy", "walk", "large"]) == 0
    meta = folder / "recordings" / "large" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"frame_size": [512, 512]}))
    capsys.readouterr()
    assert main(["merge", "walk", "large", "new"]) == 2
    assert "large has 512x512" in capsys.readouterr().err
    assert not (folder / "recordings" / "new").exists()


def test_frames_of_several_sizes_are_not_joined_whatever_their_recordings_names(folder, capsys):
    shutil.copytree(folder / "recordings" / "walk", folder / "elsewhere" / "walk")
    meta = folder / "elsewhere" / "walk" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"frame_size": [512, 512]}))
    assert main(["merge", "walk", str(folder / "elsewhere" / "walk"), "new"]) == 2
    assert "has 512x512" in capsys.readouterr().err


def test_a_recording_that_is_being_written_is_left_alone(folder):
    meta = folder / "recordings" / "walk" / "meta.json"
    meta.write_text(json.dumps(json.loads(meta.read_text()) | {"ended": None}))
    claim = lock(meta.parent)
    try:
        with pytest.raises(RecordingError, match="walk is being recorded"):
            part_of(open_recording(meta.parent), NAMES)
    finally:
        claim.release()


def test_an_interruption_leaves_nothing(folder):
    def interrupted(frames):
        yield from frames[:5]
        raise KeyboardInterrupt

    walk = open_recording(folder / "recordings" / "walk")
    with pytest.raises(KeyboardInterrupt):
        write([part_of(walk, NAMES)], folder / "recordings" / "new", "copied", interrupted)
    assert not (folder / "recordings" / "new").exists()
