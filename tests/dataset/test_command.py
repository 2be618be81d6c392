"""The command python -m dataset."""

import json
import os
import shutil
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from dataset.__main__ import main
from dataset.pairs import find_pairs
from dataset.previews.drawing import draw_text
from dataset.previews.film import film_frames
from dataset.previews.overlay import SIZE
from dataset.recordings.frame_record import read_frame_records
from tests.walk import FRAMES, UNSEEN

WALK = Path(__file__).with_name("recordings") / "walk"


@pytest.fixture
def walk(tmp_path):
    """Copy of the recorded walk in a folder of its own."""
    return Path(shutil.copytree(WALK, tmp_path / "recordings" / "walk"))


def names(recording: Path) -> list[str]:
    return [pair.name for pair in find_pairs(recording)[0]]


def test_hidden_frames_are_excluded_from_training_until_restored(walk, capsys):
    everything = names(walk)
    before = sorted(file for file in walk.rglob("*") if file.is_file())
    assert main(["hide", str(walk), "3-5", "9", "28-"]) == 0
    assert "hid 6 frames; 6 of 30" in capsys.readouterr().out
    assert [int(name) for name in names(walk)] == [n for n in range(FRAMES) if n not in (3, 4, 5, 9, 28, 29)]
    assert main(["hide", str(walk), "5,6"]) == 0
    assert "hid 1 frames; 7 of 30" in capsys.readouterr().out
    assert main(["restore", str(walk), "4"]) == 0
    assert "000004" in names(walk)
    assert main(["restore", str(walk)]) == 0
    assert names(walk) == everything
    assert set(before) <= set(walk.rglob("*"))  # nothing was deleted


@pytest.mark.parametrize("frames", ["x", "3-x", "-3", "99", "3--5"])
def test_invalid_frames_are_refused(walk, capsys, frames):
    assert main(["hide", str(walk), "--", frames]) == 2
    assert capsys.readouterr().err.startswith("dataset: ")
    assert len(names(walk)) == FRAMES


def test_name_refers_to_a_recording_before_another_folder(walk, capsys, monkeypatch):
    monkeypatch.chdir(walk.parent.parent)
    walk.parent.rename("recordings")
    Path("walk").mkdir()
    assert main(["restore", "walk"]) == 0
    Path("other").mkdir()
    assert main(["restore", "other"]) == 2
    assert "other is no recording" in capsys.readouterr().err


def test_list_shows_every_recording_and_its_state(walk, capsys):
    shutil.copytree(walk, walk.with_name("broken"))
    (walk.with_name("broken") / "meta.json").unlink()
    walk.with_name("no-recording").mkdir()
    assert main(["list", str(walk.parent)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["name", "broken", "walk"]
    assert "interrupted" in lines[1]
    assert "finished" in lines[2]
    assert main(["recover", str(walk.with_name("broken"))]) == 0
    assert "30 frames are intact" in capsys.readouterr().out
    assert main(["list", str(walk / "images")]) == 0
    assert "no recordings" in capsys.readouterr().out


@pytest.fixture
def in_india(monkeypatch):
    """The time zone of this process: UTC+05:30."""
    if not hasattr(time, "tzset"):
        pytest.skip("this system sets the time zone otherwise")
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "IST-5:30")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("started", "shown"),
    [
        ("2026-11-28T22:19:59.500+00:00", "2026-11-29 03:49"),
        ("2026-11-28T22:19:59", "2026-11-28 22:19"),
        ("0001-01-01T00:00:00+23:00", "0001-01-01T00:00"),
        ("yesterday", "yesterday"),
        (None, "None"),
    ],
)
def test_times_are_those_of_the_clock_on_the_wall(walk, capsys, in_india, started, shown):
    meta = json.loads((walk / "meta.json").read_text())
    (walk / "meta.json").write_text(json.dumps(meta | {"started": started}))
    assert main(["list", str(walk.parent)]) == 0
    assert f" {shown} " in capsys.readouterr().out


def test_list_reports_what_cannot_be_read_and_shows_the_rest(walk, capsys, caplog, forbid):
    for name in ("lost+found", "secret"):
        shutil.copytree(walk, walk.with_name(name))
    forbid(walk.with_name("lost+found"))
    forbid(walk.with_name("secret") / "frames.jsonl")
    assert main(["list", str(walk.parent)]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["name", "walk"]
    assert "secret cannot be read: [Errno 13] Permission denied" in caplog.text


@pytest.mark.slow
def test_names_in_brackets_are_printed_as_they_are(walk, capsys):
    old = walk.rename(walk.with_name("meadow [old]"))
    for command in (["list", str(old.parent)], ["show", str(old)], ["recover", str(old)]):
        assert main(command) == 0
        assert "meadow [old]" in capsys.readouterr().out


def test_show_prints_statistics_and_writes_previews(walk, capsys):
    assert main(["show", str(walk)]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert f"target visible {FRAMES - len(UNSEEN)} frames" in out
    assert "found, lost 2, 1 times" in out
    sheet = cv2.imread(str(walk / "previews" / "contact_sheet.png"))
    assert sheet.shape[1] > 5 * SIZE
    assert cv2.imread(str(walk / "previews" / "statistics.png")) is not None
    assert names(walk) == names(WALK)  # previews are no part of the dataset


@pytest.mark.parametrize("count", ["0", "-3", "many"])
def test_contact_sheet_without_frames_is_refused(walk, capsys, count):
    with pytest.raises(SystemExit) as refused:
        main(["show", str(walk), "--frames", count])
    assert refused.value.code == 2
    assert f"expected a whole number of at least 1, got '{count}'" in capsys.readouterr().err


def test_video_is_written_to_the_given_path(walk, tmp_path, capsys):
    film = tmp_path / "films" / "of today" / "walk.mp4"
    assert main(["video", str(walk), "--output", str(film)]) == 0
    assert [file.name for file in film.parent.iterdir()] == ["walk.mp4"]
    assert main(["video", str(walk), "--output", str(tmp_path / "walk.txt")]) == 2
    assert "expected a name that ends in .mp4" in capsys.readouterr().err
    (tmp_path / "file").touch()
    assert main(["video", str(walk), "--output", str(tmp_path / "file" / "walk.mp4")]) == 2
    assert "file" in capsys.readouterr().err
    assert {file.name for file in tmp_path.iterdir()} == {"films", "file", "recordings"}


def test_interrupted_video_keeps_the_previous_one(walk, monkeypatch):
    assert main(["video", str(walk)]) == 0
    film = walk / "previews" / "video.mp4"
    before = film.read_bytes()

    def ends(recording):
        yield next(film_frames(recording))
        raise KeyboardInterrupt

    monkeypatch.setattr("dataset.commands.show.film_frames", ends)
    assert main(["video", str(walk)]) == 130
    assert film.read_bytes() == before
    assert list(film.parent.iterdir()) == [film]


def test_video_has_every_frame(walk, capsys):
    assert main(["video", str(walk)]) == 0
    film = cv2.VideoCapture(str(walk / "previews" / "video.mp4"))
    assert int(film.get(cv2.CAP_PROP_FRAME_COUNT)) == FRAMES
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(5)
    there, image = film.read()
    assert there
    assert image.shape[1] == 2 * SIZE  # camera and map


def test_missing_recording_is_reported(tmp_path, capsys):
    assert main(["show", str(tmp_path / "absent")]) == 2
    assert "expected a recording" in capsys.readouterr().err
    assert main(["show", str(tmp_path)]) == 2
    assert "is no recording" in capsys.readouterr().err


@pytest.mark.slow
def test_damaged_recording_is_read_as_far_as_possible(walk, capsys):
    lines = (walk / "frames.jsonl").read_bytes()
    (walk / "frames.jsonl").write_bytes(lines[:-20])
    assert len(read_frame_records(walk)[0]) == FRAMES - 1
    (walk / "images" / "000000.jpeg").write_bytes(b"")
    assert main(["show", str(walk)]) == 0
    assert "1 line, skipped" in capsys.readouterr().out
    assert main(["recover", str(walk)]) == 0
    assert "needs no recovery: it is finished" in capsys.readouterr().out
    assert not (walk / ".lock").exists()
    sheet = cv2.imread(str(walk / "previews" / "contact_sheet.png"))
    assert len(np.unique(sheet[10:300, 10:300])) == 1  # grey in place of the unreadable image


@pytest.mark.skipif(sys.platform != "linux", reason="other systems allow only names that are text")
def test_recording_whose_name_is_no_text_is_shown(walk, capsys):
    path = walk.rename(walk.with_name(os.fsdecode(b"fl\xfcg $x$")))
    assert main(["show", str(path)]) == 0
    assert main(["hide", str(path), "0"]) == 0
    assert {file.name for file in (path / "previews").iterdir()} == {"contact_sheet.png", "statistics.png"}


def test_text_that_is_drawn_may_be_no_valid_text():
    image = np.zeros((30, 200, 3), np.uint8)
    draw_text(image, "fl\udcfcg größe 日本", 2, 20)  # OpenCV ends the process
    assert image.any()
