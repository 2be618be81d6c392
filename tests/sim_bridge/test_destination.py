"""A recording that cannot be written is not said to be made: a sentence says why."""

import os
import shutil
import subprocess
import sys

import pytest
import requests

from dashboard.live.feed import Feed
from sim_bridge.recorder.destination import DestinationError, check_destination
from sim_bridge.recorder.recorder import Recorder
from sim_bridge.settings import RecordingSettings

symlinks = pytest.mark.skipif(os.name == "nt", reason="links need rights there")


def dangling(folder):
    os.symlink("/mnt/not-mounted", folder / "link")
    return folder / "link", f"{folder / 'link'} points to /mnt/not-mounted, which is not there"


def below_a_dangling_link(folder):
    os.symlink("/mnt/not-mounted", folder / "link")
    return folder / "link" / "flights", f"{folder / 'link'} points to /mnt/not-mounted, which is not there"


def a_file(folder):
    (folder / "file").write_text("text")
    return folder / "file", f"{folder / 'file'} is a file, not a folder"


def below_a_file(folder):
    (folder / "file").write_text("text")
    return folder / "file" / "flights", f"{folder / 'file'} is a file, not a folder"


def a_loop(folder):
    os.symlink(folder / "loop", folder / "loop")
    return folder / "loop", "loop, which is not there"


NOWHERE = [pytest.param(case, marks=symlinks) for case in (dangling, below_a_dangling_link, a_loop)]
NOWHERE += [a_file, below_a_file]


@pytest.mark.parametrize("make", NOWHERE)
def test_the_reason_is_the_part_of_the_path_that_is_at_fault(tmp_path, make):
    folder, reason = make(tmp_path)
    reported = []
    settings = RecordingSettings(folder=str(folder), min_free_gigabytes=0)
    with pytest.raises(DestinationError) as refused:
        check_destination(settings)
    assert reason in str(refused.value)
    with Recorder(settings, report=reported.append) as recorder:
        with pytest.raises(DestinationError):
            recorder.start("flight")
        recorder.toggle()  # the key r
        assert not recorder.recording
    assert reported == [str(refused.value)]


def test_a_read_only_folder_is_said_in_the_systems_words(tmp_path, monkeypatch):
    def refuse(dir):
        raise OSError(30, "Read-only file system", dir)

    monkeypatch.setattr("sim_bridge.recorder.destination.tempfile.TemporaryFile", refuse)
    with pytest.raises(DestinationError, match=r"cannot be written to \(Read-only file system\); choose another"):
        check_destination(RecordingSettings(folder=str(tmp_path)))


def test_a_disk_that_is_nearly_full_is_said(tmp_path, monkeypatch):
    nearly_full = shutil.disk_usage(tmp_path)._replace(free=10**8)
    monkeypatch.setattr("sim_bridge.recorder.destination.shutil.disk_usage", lambda folder: nearly_full)
    with pytest.raises(DestinationError, match=r"less than 1 GB left; make room, or choose another recording\.folder"):
        check_destination(RecordingSettings(folder=str(tmp_path)))


def test_a_folder_that_can_be_written_to_is_made_and_stays_empty(tmp_path):
    check_destination(RecordingSettings(folder=str(tmp_path / "new" / "folder"), min_free_gigabytes=0))
    assert list((tmp_path / "new" / "folder").iterdir()) == []


def test_the_page_is_told(serve_with_dashboard, tmp_path):
    folder, reason = a_file(tmp_path)
    with Recorder(RecordingSettings(folder=str(folder))) as recorder:
        server = serve_with_dashboard(recorder=recorder, feed=Feed())
        answer = requests.post(f"http://127.0.0.1:{server.port}/api/recording/start", json={}, timeout=30)
    assert answer.status_code == 400
    assert reason in answer.text


@pytest.mark.slow
def test_record_is_refused_before_the_flight(tmp_path):
    folder, reason = a_file(tmp_path)
    command = [sys.executable, "follower.py", "--record", "x", "--set", f"recording.folder={folder}"]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == f"follower.py: cannot record: {reason}; choose another recording.folder\n"
    assert ended.stdout == ""
