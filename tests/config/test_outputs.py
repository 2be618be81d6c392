import argparse
import os
from pathlib import Path

import pytest

from config.outputs import file_to_write, folder_to_write, plot_to_write


@pytest.mark.skipif(os.name == "nt", reason="Windows has other limits")
@pytest.mark.parametrize("parse", [file_to_write, folder_to_write])
def test_a_name_that_is_too_long_is_refused_before_any_work_is_done(parse, tmp_path):
    with pytest.raises(argparse.ArgumentTypeError, match="too long"):
        parse(str(tmp_path / ("a" * 300)))


def test_paths_that_can_be_written_are_taken(tmp_path):
    (tmp_path / "old.png").write_bytes(b"old")
    assert (
        file_to_write(str(tmp_path / "new" / "folder" / "results.json")) == tmp_path / "new" / "folder" / "results.json"
    )
    assert plot_to_write(str(tmp_path / "old.png")) == tmp_path / "old.png"
    assert folder_to_write(str(tmp_path)) == tmp_path
    assert list(tmp_path.iterdir()) == [tmp_path / "old.png"]  # nothing is made yet


@pytest.mark.parametrize(
    ("parse", "name", "reason"),
    [
        (file_to_write, ".", "is a folder"),
        (file_to_write, "file/results.json", "file is a file"),
        (file_to_write, "file/below/results.json", "file is a file"),
        (folder_to_write, "file", "file is a file"),
        (plot_to_write, "curves", r"ends in \.png, .*got"),
        (plot_to_write, "curves.foo", r"ends in \.png, .*got"),
    ],
)
def test_others_are_refused(tmp_path, parse, name, reason):
    (tmp_path / "file").write_text("")
    with pytest.raises(argparse.ArgumentTypeError, match=reason):
        parse(str(tmp_path / name))


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs a folder in which not even an administrator can write")
@pytest.mark.parametrize("parse", [file_to_write, folder_to_write])
def test_a_folder_that_cannot_be_written_is_refused_at_once(parse):
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected a folder to write into, but .* in /proc"):
        parse("/proc/folder/results.json")


def test_a_file_that_is_write_protected_is_refused_at_once(tmp_path, monkeypatch):
    file = tmp_path / "results.json"
    file.write_text("{}")
    monkeypatch.setattr(os, "access", lambda path, mode: (path, mode) != (file, os.W_OK))
    with pytest.raises(argparse.ArgumentTypeError, match=r"results\.json is write-protected"):
        file_to_write(str(file))
