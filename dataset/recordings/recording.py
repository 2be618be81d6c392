"""Reads recordings: one, or all in a folder; hides and restores frames. Changes nothing but `hidden.txt`."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from dataset.files import write_atomically
from dataset.recordings.record import (
    DEPTH,
    HIDDEN,
    IMAGES,
    LOCK,
    MASKS,
    FrameRecord,
    RecordingError,
    lock,
    read_lines,
    read_meta,
)
from dataset.recordings.recovery import is_run

RECORDINGS = Path("recordings")


@dataclass(frozen=True)
class Run:
    """A recording on the disk."""

    path: Path
    meta: dict
    frames: tuple[FrameRecord, ...]  # in order
    unreadable: int  # lines that are no frames

    @cached_property
    def hidden(self) -> frozenset[str]:
        """The frames that training leaves out."""
        return read_hidden(self.path)

    @property
    def names(self) -> list[str]:
        """The frames' names, in order."""
        return [record.frame for record in self.frames]

    @property
    def state(self) -> str:
        """ "finished", "recording" (somebody writes it now) or "cut off" (nobody does, and it has no end)."""
        return state_of(self.path, self.meta)

    def image_path(self, record: FrameRecord) -> Path:
        """The camera's image."""
        return self.path / IMAGES / record.image

    def mask_path(self, record: FrameRecord) -> Path:
        """The class mask."""
        return self.path / MASKS / f"{record.frame}.png"

    def depth_path(self, record: FrameRecord) -> Path:
        """The depth image, if `record.depth`."""
        return self.path / DEPTH / f"{record.frame}.png"


def open_run(path: Path) -> Run:
    """Read a run: a folder, or the name of one in `recordings/`. Raises RecordingError."""
    folders = [place for place in (path, RECORDINGS / path) if place.is_dir()]
    if not folders:
        raise RecordingError(f"expected a recording, but there is neither {path} nor {RECORDINGS / path}")
    folder = next(filter(is_run, folders), folders[0])
    if not is_run(folder):
        raise RecordingError(f"{folder} is no recording: it has no frames.jsonl and no meta.json")
    records, broken = read_lines(folder)
    return Run(folder, read_meta(folder), tuple(records), len(broken))


def state_of(run: Path, meta: Mapping[str, object]) -> str:
    """What `Run.state` is, from what `meta.json` has."""
    if meta.get("ended"):
        return "finished"
    if not (run / LOCK).exists():  # it is there from begin to end; looking makes none
        return "cut off"
    try:
        claim = lock(run)
    except OSError:  # read-only: nobody writes it
        return "cut off"
    if claim is None:
        return "recording"
    claim.release()
    return "cut off"


def find_runs(folder: Path) -> list[Run]:
    """All runs in a folder, by name."""
    if not folder.is_dir():
        return []
    return [open_run(run) for run in sorted(folder.iterdir()) if run.is_dir() and is_run(run)]


def read_hidden(run: Path) -> frozenset[str]:
    """The names of the frames that are hidden."""
    try:
        return frozenset((run / HIDDEN).read_text(encoding="utf-8", errors="replace").split())
    except FileNotFoundError:
        return frozenset()


def write_hidden(run: Path, frames: frozenset[str] | set[str]) -> None:
    """Hide exactly these frames. Raises OSError."""
    write_atomically(run / HIDDEN, "".join(f"{frame}\n" for frame in sorted(frames)).encode())


def select_frames(frames: Collection[str], expressions: Iterable[str]) -> set[str]:
    """Those of the frames' names that "12", "000012", "10-20" or "10-" mean, or "all". Raises RecordingError."""
    names = {int(frame): frame for frame in frames if frame.isdecimal()}
    chosen: set[str] = set()
    for expression in (part for text in expressions for part in text.split(",") if part):
        if expression == "all":
            chosen |= set(frames)
            continue
        first, dash, last = expression.partition("-")
        if not first.isdecimal() or not (last.isdecimal() or (dash and not last) or not dash):
            raise RecordingError(f"expected frames such as 12, 10-20 or 10-, got {expression[:40]!r}")
        end = int(first) if not dash else int(last) if last else max(names, default=0)
        found = {name for number, name in names.items() if int(first) <= number <= end}
        if not found:
            raise RecordingError(f"there are no frames {expression}")
        chosen |= found
    return chosen
