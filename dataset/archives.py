"""Files in folders and in zip archives, by one interface. Their contents are not interpreted here."""

import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from dataset.downloads import kind_of_file, placeholder

# macOS adds one to archives: every name again, without the contents. Storage servers keep thumbnails in the other.
_METADATA_FOLDERS = {"__MACOSX", "@eaDir"}

MAX_MEMBER = 2 << 30  # bytes of a file in an archive; frames.jsonl of a million frames have half as many

Folder = tuple[PurePosixPath, dict[str, "Source"]]  # path relative to the root, files by name


class DatasetError(ValueError):
    """A dataset cannot be used as it is; the message names the files."""


@dataclass(frozen=True)
class Source:
    """A file in a folder, or a member of a zip archive."""

    path: Path
    member: str | None = None

    def __str__(self) -> str:
        return str(self.path) if self.member is None else f"{self.path}:{self.member}"

    @property
    def name(self) -> str:
        """Name of the file, without folders."""
        return self.path.name if self.member is None else member_path(self.member).name

    @property
    def folder(self) -> str:
        """The folder that the file lies in."""
        return str(self.path.parent) if self.member is None else f"{self.path}:{member_path(self.member).parent}"

    def stamp(self) -> str:
        """Return what changes when the file does, without reading it. Raises OSError.

        Of an archive's member its size and checksum: the archive may be copied, moved or downloaded again.
        """
        if self.member is None:
            stored = self.path.stat()
            return f"{self.path}|{stored.st_size}|{stored.st_mtime_ns}"
        listed = _open_archive(self.path, os.getpid()).getinfo(self.member)
        return f"{self.member}|{listed.file_size}|{listed.CRC}"

    def read(self) -> bytes:
        """Return the file's contents. Raises OSError, and DatasetError for a damaged archive."""
        if self.member is None:
            return self.path.read_bytes()
        try:
            archive = _open_archive(self.path, os.getpid())
            if (size := archive.getinfo(self.member).file_size) > MAX_MEMBER:
                raise DatasetError(
                    f"{self} has {size / 1e9:.1f} GB unpacked, which no file of a dataset has: remove it"
                )
            return archive.read(self.member)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            raise DatasetError(f"{self} is damaged, download or pack {self.path.name} again: {error}") from error
        except (RuntimeError, NotImplementedError) as error:  # encrypted, or packed in a way that Python cannot read
            reason = f"{error}".removeprefix(f"File {self.member!r} ")
            raise DatasetError(f"{self} cannot be read, unpack {self.path.name} first: {reason}") from error


def member_path(name: str) -> PurePosixPath:
    """Return the path of an archive's member; some programs for Windows write backslashes."""
    return PurePosixPath(name.replace("\\", "/"))


def walk(root: Path) -> Iterator[Folder]:
    """Yield each folder below `root`, a folder or a zip archive, a parent before its subfolders. Raises DatasetError.

    Links to folders are followed; each folder is visited once. A subfolder is listed only after the files beside it
    were yielded: of a growing recording, `frames.jsonl` can be read before `images/`.
    """
    if root.is_file():
        yield from _walk_archive(root)
        return
    visited = set()
    for path, folders, names in os.walk(root, onerror=_refuse, followlinks=True):
        real = os.path.realpath(path)
        if real in visited:
            folders.clear()
            continue
        visited.add(real)
        folders[:] = sorted(set(folders) - _METADATA_FOLDERS)
        yield PurePosixPath(Path(path).relative_to(root).as_posix()), {name: Source(Path(path, name)) for name in names}


def _walk_archive(path: Path) -> Iterator[Folder]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
    except zipfile.BadZipFile as error:
        raise DatasetError(f"expected a folder or a .zip archive, but {path} {_why_no_archive(path)}") from error
    folders: dict[PurePosixPath, dict[str, Source]] = {}
    for name in names:
        member = member_path(name)
        if _METADATA_FOLDERS.isdisjoint(member.parts):
            folders.setdefault(member.parent, {})[member.name] = Source(path, name)
    yield from sorted(folders.items())


def _refuse(error: OSError) -> None:
    raise DatasetError(f"{error.filename} cannot be read: {error.strerror}") from error


def _why_no_archive(path: Path) -> str:
    with path.open("rb") as file:
        head = file.read(512)
    if defect := placeholder(head):
        return defect
    if head.startswith(b"PK"):
        return "is a truncated zip archive; download or pack it again"
    kind = kind_of_file(head) or "neither"
    return f"is {kind}" + ("; unpack it first" if kind.endswith("archive") else "")


@lru_cache(maxsize=8)
def _open_archive(path: Path, process: int) -> zipfile.ZipFile:
    """Keep an archive open: reading its directory takes long, and forked processes would share the file's position."""
    return zipfile.ZipFile(path)
