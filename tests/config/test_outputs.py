import argparse

import pytest

from config.outputs import file_to_write, folder_to_write, plot_to_write


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
