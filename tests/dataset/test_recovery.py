"""Interrupted recordings: intact frames stay, the rest is quarantined, nothing is deleted."""

import json
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataset.__main__ import main
from dataset.checks import check_pairs
from dataset.pairs import find_pairs
from dataset.recordings import writer as writer_module
from dataset.recordings.frame_record import FrameRecord, read_frame_records
from dataset.recordings.layout import lock, read_meta
from dataset.recordings.recovery import recover, recover_all
from dataset.recordings.writer import RecordingWriter

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
JPEG = b"\xff\xd8 image \xff\xd9"
PNG = cv2.imencode(".png", np.zeros((4, 4, 3), np.uint8))[1].tobytes()


def everything_in(recording: Path) -> list[bytes]:
    return sorted(file.read_bytes() for file in recording.rglob("*") if file.is_file())


@pytest.fixture
def interrupted(tmp_path):
    """Recording of five frames whose writer has vanished."""
    writer = RecordingWriter(tmp_path, "flight", {"model": "m"})
    for number in range(5):
        record = FrameRecord(f"{number:06d}", f"{number:06d}.jpeg", "model", 0, 0, number=number, received=1e9 + number)
        writer.add(record, JPEG, PNG, PNG)
    writer._resources.close()
    return writer.path


def test_recording_interrupted_between_frames_is_completed(interrupted):
    recovered = recover(interrupted)
    assert (recovered.frames, recovered.lines, recovered.files) == (5, 0, 0)
    meta = read_meta(interrupted)
    assert meta["frames"] == 5
    assert meta["model"] == "m"
    assert meta["end_reason"] == "interrupted"
    assert meta["ended"].startswith("2001-09-09T01:46:44")  # when its last frame was received
    assert recover(interrupted) is None  # needs no recovery any more


def test_times_that_no_calendar_has_keep_no_follower_from_starting(interrupted):
    lines = (interrupted / "frames.jsonl").read_bytes()
    (interrupted / "frames.jsonl").write_bytes(lines.replace(b"1000000004", b"1700000000000"))  # milliseconds
    assert [each.frames for each in recover_all(interrupted.parent)] == [5]
    assert read_meta(interrupted)["ended"] == "unknown"


def test_unfinished_line_and_its_files_are_quarantined(interrupted):
    lines = (interrupted / "frames.jsonl").read_bytes()
    (interrupted / "frames.jsonl").write_bytes(lines[:-10])
    recovered = recover(interrupted)
    assert (recovered.frames, recovered.lines, recovered.files) == (4, 1, 3)
    assert [record.number for record in read_frame_records(interrupted)[0]] == [0, 1, 2, 3]
    assert sorted(file.name for file in (interrupted / "quarantine").iterdir()) == [
        "depth-000004.png",
        "frames.jsonl",
        "images-000004.jpeg",
        "masks-000004.png",
    ]
    pairs, problems = find_pairs(interrupted)  # the quarantine is no part of the dataset
    assert len(pairs) == 4
    assert not problems


@pytest.mark.parametrize("folder_is_left", [True, False])
def test_a_recording_that_was_shared_without_depth_images_keeps_its_frames(interrupted, folder_is_left):
    shutil.rmtree(interrupted / "depth")
    if folder_is_left:
        (interrupted / "depth").mkdir()
    (interrupted / "masks" / "000002.png").unlink()
    (interrupted / "meta.json").unlink()
    recovered = recover(interrupted)
    assert (recovered.frames, recovered.lines, recovered.files) == (4, 1, 1)
    records = read_frame_records(interrupted)[0]
    assert [(record.number, record.depth) for record in records] == [(n, False) for n in (0, 1, 3, 4)]
    assert len(find_pairs(interrupted)[0]) == 4


@pytest.mark.parametrize("part", ["images/000002.jpeg", "masks/000002.png", "depth/000002.png"])
@pytest.mark.parametrize("damage", ["missing", "empty", "truncated", "zeros"])
def test_frame_with_a_damaged_file_is_quarantined(interrupted, part, damage):
    file = interrupted / part
    data = file.read_bytes()
    if damage == "missing":
        file.unlink()
    else:
        file.write_bytes({"empty": b"", "truncated": data[:-3], "zeros": bytes(len(data))}[damage])
    recovered = recover(interrupted)
    assert recovered.frames == 4
    assert [record.number for record in read_frame_records(interrupted)[0]] == [0, 1, 3, 4]
    assert find_pairs(interrupted)[1] == []


def test_lines_zeroed_by_a_power_cut_are_quarantined(interrupted):
    lines = (interrupted / "frames.jsonl").read_bytes().splitlines(keepends=True)
    lines[3] = bytes(len(lines[3]) - 1) + b"\n"
    (interrupted / "frames.jsonl").write_bytes(b"".join(lines))
    recovered = recover(interrupted)
    assert (recovered.frames, recovered.lines, recovered.files) == (4, 1, 3)


def test_recovery_is_recommended_where_it_does_something(interrupted, capsys):
    lines = (interrupted / "frames.jsonl").read_bytes()
    (interrupted / "frames.jsonl").write_bytes(lines[:-10])
    assert main(["show", str(interrupted)]) == 0
    assert "1 line, moved to quarantine/ by python -m dataset recover" in capsys.readouterr().out
    assert main(["recover", str(interrupted)]) == 0
    assert "1 line and 3 files moved to quarantine/" in capsys.readouterr().out


def test_no_file_is_deleted(interrupted):
    (interrupted / "images" / "000005.jpeg").write_bytes(b"\xff\xd8 half a pic")
    before = everything_in(interrupted / "images") + everything_in(interrupted / "masks")
    recover(interrupted)
    after = everything_in(interrupted)
    assert all(data in after for data in before)


def test_missing_metadata_does_not_lose_frames(interrupted):
    (interrupted / "meta.json").write_bytes(b"")
    assert recover(interrupted).frames == 5
    assert read_meta(interrupted)["frames"] == 5


@pytest.mark.parametrize("damage", [b'{"model": "m", "settings": {"agent"', b"\xff\xfe", b"[]", bytes(40)])
def test_damaged_metadata_is_kept_in_quarantine(interrupted, damage):
    (interrupted / "meta.json").write_bytes(damage)
    (recovery,) = recover_all(interrupted.parent)
    assert "5 frames are intact, the damaged meta.json moved to quarantine/; model, settings" in str(recovery)
    assert (interrupted / "quarantine" / "meta.json").read_bytes() == damage
    assert read_meta(interrupted)["end_reason"] == "interrupted"
    (interrupted / "meta.json").write_bytes(b"{")
    recover(interrupted)
    assert (interrupted / "quarantine" / "meta.json").read_bytes() == damage  # the second one lies beside it


def test_metadata_that_cannot_be_read_now_is_not_replaced(interrupted, forbid, monkeypatch, caplog):
    before = (interrupted / "meta.json").read_bytes()
    forbid(interrupted / "meta.json")
    assert recover_all(interrupted.parent) == []
    monkeypatch.undo()
    assert (interrupted / "meta.json").read_bytes() == before
    assert "cannot be recovered: [Errno 13] Permission denied" in caplog.text


@pytest.mark.parametrize("meta", [b'{"author": "somebody else"}', b'{"format": "png"}', b"", b"{", b"[]"])
def test_a_dataset_of_another_program_is_left_alone(tmp_path, meta, capsys, caplog):
    theirs = tmp_path / "theirs"
    for file, data in (("images/1.jpeg", JPEG), ("masks/1.png", PNG), ("meta.json", meta)):
        (theirs / file).parent.mkdir(parents=True, exist_ok=True)
        (theirs / file).write_bytes(data)
    before = {file: file.read_bytes() for file in theirs.rglob("*") if file.is_file()}
    assert recover_all(tmp_path) == []
    assert not caplog.text
    assert main(["recover", str(theirs)]) == 2
    assert "theirs is no recording of this program: it has no frames.jsonl with" in capsys.readouterr().err
    assert {file: file.read_bytes() for file in theirs.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("meta", [b'{"author": "another program"}', None])
def test_a_dataset_of_another_program_with_frames_of_its_own_is_left_alone(tmp_path, meta):
    theirs = tmp_path / "theirs"
    for file, data in (("images/1.jpeg", JPEG), ("masks/1.png", PNG), ("frames.jsonl", b'{"file": "1.jpeg"}\n')):
        (theirs / file).parent.mkdir(parents=True, exist_ok=True)
        (theirs / file).write_bytes(data)
    if meta:
        (theirs / "meta.json").write_bytes(meta)
    before = everything_in(theirs)
    assert recover_all(tmp_path) == []
    assert main(["recover", str(theirs)]) == 2
    assert everything_in(theirs) == before
    assert sorted(file.name for file in theirs.iterdir()) == sorted(
        ["images", "masks", "frames.jsonl"] + ["meta.json"] * bool(meta)
    )


def test_a_picture_that_was_removed_does_not_keep_later_ones_from_reaching_the_disk(tmp_path, monkeypatch):
    synced, sync = [], writer_module.sync
    monkeypatch.setattr(writer_module, "SYNC_SECONDS", 0.0)
    monkeypatch.setattr(writer_module, "sync", lambda path: (sync(path), synced.append(path.name)))
    writer = RecordingWriter(tmp_path, "flight", {})
    for number in range(2):
        record = FrameRecord(f"{number:06d}", f"{number:06d}.jpeg", "model", 0, 0, number=number)
        writer.add(record, JPEG, PNG, PNG)
        if number == 0:
            (writer.path / "images" / "000000.jpeg").unlink()
        writer.sync_if_due()
    writer.close("stopped")
    assert "000001.jpeg" in synced
    assert "000000.jpeg" not in synced


def test_a_recording_that_was_interrupted_before_its_first_line_is_completed(interrupted):
    (interrupted / "frames.jsonl").unlink()
    recovered = recover(interrupted)
    assert (recovered.frames, recovered.files) == (0, 15)
    assert read_meta(interrupted)["model"] == "m"


def test_recording_that_is_being_written_is_left_alone(tmp_path):
    writer = RecordingWriter(tmp_path, "flight", {})
    assert recover_all(tmp_path) == []
    assert lock(writer.path) is None
    other = RecordingWriter(tmp_path, "flight", {})  # a second writer of the same name gets its own folder
    assert other.path != writer.path
    writer.close("done")
    other.close("done")
    assert recover_all(tmp_path) == []
    assert read_meta(writer.path)["end_reason"] == "done"


class Killed(BaseException):
    """Exception that no writer catches."""


@pytest.mark.parametrize("part", ["images", "masks", "depth"])
def test_half_written_frame_is_in_no_dataset(tmp_path, monkeypatch, part):
    writer = RecordingWriter(tmp_path, "flight", {})
    records = [FrameRecord(f"{number:06d}", f"{number:06d}.jpeg", "model", 0, 0, number=number) for number in range(2)]
    writer.add(records[0], JPEG, PNG, PNG)
    write = Path.write_bytes

    def half(path, data):
        if path.parent.name == part:
            write(path, data[:5])
            raise Killed
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(Killed):
        writer.add(records[1], JPEG, PNG, PNG)
    monkeypatch.undo()
    pairs, problems = find_pairs(tmp_path)  # by a training, before the recovery
    assert ([pair.name for pair in pairs], problems) == (["000000"], [])
    writer._resources.close()
    recovered = recover(writer.path)
    assert (recovered.frames, recovered.lines) == (1, 0)
    assert [file.stem for file in (writer.path / part).iterdir()] == ["000000"]
    assert find_pairs(tmp_path)[1] == []


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "holiday" / "images").mkdir(parents=True)
    (tmp_path / "holiday" / "images" / "beach.jpeg").write_bytes(b"")
    (tmp_path / "README.md").write_text("hello")
    assert recover_all(tmp_path) == []
    assert recover_all(tmp_path / "absent") == []
    assert (tmp_path / "holiday" / "images" / "beach.jpeg").exists()


def test_folders_that_cannot_be_entered_keep_no_follower_from_starting(interrupted, forbid):
    (interrupted.parent / "lost+found").mkdir()
    forbid(interrupted.parent / "lost+found")
    assert [each.frames for each in recover_all(interrupted.parent)] == [5]


def test_a_recording_that_cannot_be_read_is_told_and_the_others_are_recovered(interrupted, forbid, caplog):
    secret = Path(shutil.copytree(interrupted, interrupted.with_name("a-secret")))
    forbid(secret / "frames.jsonl")
    assert [each.recording for each in recover_all(interrupted.parent)] == [interrupted]
    assert "a-secret was interrupted and cannot be recovered: [Errno 13] Permission denied" in caplog.text


def test_killed_at_twenty_random_moments_only_the_unfinished_frame_is_lost(tmp_path):
    moments = random.Random()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    script = Path(__file__).with_name("record_until_killed.py")
    unfinished = 0
    for batch in range(5):
        children = []
        for number in range(4):
            folder = tmp_path / f"{batch}-{number}"
            command = [sys.executable, str(script), str(folder)]
            children.append((folder, subprocess.Popen(command, stdout=subprocess.PIPE, env=environment, text=True)))
        for _, child in children:
            while child.stdout.readline() in ("0\n", "1\n"):
                pass
        for folder, child in children:
            time.sleep(moments.uniform(0, 0.1))
            child.kill()  # SIGKILL
            output = child.communicate()[0].split()  # the rest of its output
            written = int(output[-1]) if output else 2
            (recording,) = folder.iterdir()
            (recovered,) = recover_all(folder)
            assert written <= recovered.frames
            assert recovered.lines <= 1
            assert recovered.files <= 3  # of the one frame that was being written
            unfinished += bool(recovered.files)
            assert [record.number for record in read_frame_records(recording)[0]] == list(range(recovered.frames))
            pairs, problems = find_pairs(recording)
            assert len(pairs) == recovered.frames
            assert not problems
            assert not check_pairs(pairs[-3:])
            meta = json.loads((recording / "meta.json").read_bytes())
            assert meta["frames"] == recovered.frames
            assert meta["ended"]
    print(f"{unfinished} of 20 were killed in the middle of a frame")


def test_a_folder_that_cannot_be_listed_keeps_no_follower_from_starting(interrupted, monkeypatch, caplog):
    def refuse(folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(os, "listdir", refuse)
    assert recover_all(interrupted.parent) == []
    assert "cannot be listed" in caplog.text
