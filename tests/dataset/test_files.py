import errno
import os
import stat

import pytest

from dataset.files import replacing, write_atomically


def test_failed_write_keeps_the_old_file(tmp_path, monkeypatch):
    file = tmp_path / "meta.json"
    write_atomically(file, b"old")

    def full(handle):
        raise OSError("no space left")

    monkeypatch.setattr("dataset.files.os.fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_atomically(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_exception_in_the_block_keeps_the_old_file(tmp_path):
    file = tmp_path / "film.mp4"
    write_atomically(file, "old, ä")
    with pytest.raises(KeyError), replacing(file) as temporary:  # noqa: PT012
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".mp4"
        assert temporary.name.startswith(".")
        temporary.write_bytes(b"half")
        raise KeyError("stop")
    assert file.read_text(encoding="utf-8") == "old, ä"
    assert list(tmp_path.iterdir()) == [file]


def test_file_is_replaced_at_the_end_of_the_block(tmp_path):
    file = tmp_path / "results.csv"
    with replacing(file) as temporary:
        temporary.write_bytes(b"new")
        assert not file.exists()
    assert file.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize("answer", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_file_systems_that_cannot_flush_folders_are_written_to(tmp_path, monkeypatch, answer):
    """Some network and FUSE file systems: folders are not theirs to flush, but files are."""
    file, fsync = tmp_path / "meta.json", os.fsync

    def refuse_folders(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(answer, os.strerror(answer))
        fsync(handle)

    monkeypatch.setattr("dataset.files.os.fsync", refuse_folders)
    write_atomically(file, b"new")
    assert file.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="Windows flushes folders without being asked")
@pytest.mark.parametrize(("answer", "folders"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_what_was_not_flushed_is_reported(tmp_path, monkeypatch, answer, folders):
    def refuse(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode) == folders:
            raise OSError(answer, os.strerror(answer))

    monkeypatch.setattr("dataset.files.os.fsync", refuse)
    with pytest.raises(OSError, match=os.strerror(answer)):
        write_atomically(tmp_path / "meta.json", b"new")


def test_a_reader_on_windows_is_waited_for(tmp_path, monkeypatch):
    """There, a file that somebody reads cannot be replaced."""
    file, attempts, replace = tmp_path / "results.csv", [], os.replace

    def refuse_twice(source, target):
        attempts.append(target)
        if len(attempts) < 3:
            raise PermissionError("Access is denied")
        replace(source, target)

    monkeypatch.setattr("dataset.files.os.replace", refuse_twice)
    monkeypatch.setattr("dataset.files.WAITS_FOR_READERS", True)
    write_atomically(file, b"new")
    assert (file.read_bytes(), len(attempts)) == (b"new", 3)
    monkeypatch.setattr("dataset.files.WAITS_FOR_READERS", False)
    attempts.clear()
    with pytest.raises(PermissionError):
        write_atomically(file, b"newer")
