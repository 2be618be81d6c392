"""Read recordings, one or all in a folder; hide and restore frames. Changes no file but `hidden.txt`."""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from dataset.files import write_atomically
from dataset.masks.labels import decode_labels
from dataset.recordings import layout
from dataset.recordings.frame_record import FrameRecord, read_frame_records
from dataset.recordings.layout import (
    HIDDEN,
    RECORDINGS,
    RecordingError,
    is_recording,
    lock,
    parse_hidden,
    read_meta,
    section_of,
)
from dataset.schema import REFERENCE_SIZE

logger = logging.getLogger(__name__)

State = Literal["finished", "recording", "interrupted"]
MAX_DIGITS = 40  # of a frame's number; Python refuses to read numbers of thousands


@dataclass(frozen=True)
class Recording:
    """A recorded flight on disk."""

    path: Path
    meta: dict[str, Any]
    frames: tuple[FrameRecord, ...]  # in order
    unreadable: int  # lines that are no frame records

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Names of the frames that are excluded from training."""
        return read_hidden(self.path)

    @property
    def names(self) -> list[str]:
        """Names of the frames, in order."""
        return [record.frame for record in self.frames]

    @property
    def frame_size(self) -> tuple[int, int]:
        """(height, width) of the frames in pixels; QuadSim's if `meta.json` has none."""
        match self.meta.get("frame_size"):
            case [int(height), int(width)] if height > 0 and width > 0:
                return height, width
        return REFERENCE_SIZE, REFERENCE_SIZE

    @property
    def state(self) -> State:
        """See `state_of`."""
        return state_of(self.path, self.meta)

    def agent_setting(self, name: str, low: float, high: float) -> float | None:
        """Return a number that the agent of the flight was set to; None if it is unknown, or not from low to high."""
        value = section_of(section_of(self.meta, "settings"), "agent").get(name)
        return float(value) if isinstance(value, int | float) and low <= value <= high else None

    def read_mask(self, record: FrameRecord) -> bytes:
        """Return the contents of a frame's mask file; empty if it is missing. Raises OSError."""
        try:
            return (self.path / record.mask_file).read_bytes()
        except FileNotFoundError:
            return b""

    def read_labels(self, record: FrameRecord) -> np.ndarray | None:
        """Return (height, width) uint8 labels of a frame; None without a mask that can be read. Raises OSError."""
        return decode_labels(self.read_mask(record), self.frame_size)

    def make_previews_folder(self) -> Path:
        """Make and return the folder for contact sheet, plots and films."""
        folder = self.path / layout.PREVIEWS
        folder.mkdir(exist_ok=True)
        return folder


def open_recording(path: Path) -> Recording:
    """Read a recording: a folder, or the name of one in `recordings/`. Raises RecordingError."""
    folders = [folder for folder in (path, RECORDINGS / path) if folder.is_dir()]
    if not folders:
        raise RecordingError(f"expected a recording, but there is neither {path} nor {RECORDINGS / path}")
    folder = next(filter(is_recording, folders), None)
    if folder is None:
        raise RecordingError(
            f"{folders[0]} is no recording: it has no frames.jsonl and no meta.json, or cannot be entered"
        )
    records, broken = read_frame_records(folder)
    return Recording(folder, read_meta(folder), tuple(records), len(broken))


def find_recordings(folder: Path) -> list[Recording]:
    """Read all recordings in a folder, by name. Those that cannot be read are left out, with a warning."""
    recordings = []
    for each in layout.recording_folders(folder):
        try:
            recordings.append(open_recording(each))
        except OSError as error:
            logger.warning("the recording %s cannot be read: %s", each, error)
    return recordings


def state_of(folder: Path, meta: Mapping[str, object]) -> State:
    """Return "finished", "recording" (being written now) or "interrupted" (neither); `meta` is of `read_meta`."""
    if meta.get("ended"):
        return "finished"
    if not (folder / layout.LOCK).exists():  # present while a recording is written; trying the lock would create it
        return "interrupted"
    try:
        claim = lock(folder)
    except OSError:  # read-only: no process can be writing it
        return "interrupted"
    if claim is None:
        return "recording"
    claim.release()
    return "interrupted"


def read_hidden(folder: Path) -> frozenset[str]:
    """Return the names of the hidden frames."""
    try:
        return parse_hidden((folder / HIDDEN).read_bytes())
    except FileNotFoundError:
        return frozenset()


def write_hidden(folder: Path, frames: Collection[str]) -> None:
    """Hide exactly these frames. Raises OSError."""
    write_atomically(folder / HIDDEN, "".join(f"{frame}\n" for frame in sorted(frames)))


def select_frames(frames: Collection[str], expressions: Iterable[str]) -> set[str]:
    """Return those of the names that "12", "000012", "10-20", "10-", "all" or "3,5" refer to. Raises RecordingError."""
    names = {int(frame): frame for frame in frames if _is_number(frame)}
    selected: set[str] = set()
    for expression in (part for text in expressions for part in text.split(",") if part):
        if expression == "all":
            selected |= set(frames)
            continue
        first, dash, last = expression.partition("-")
        if not _is_number(first) or not (_is_number(last) or (dash and not last) or not dash):
            raise RecordingError(f"expected frames such as 12, 10-20 or 10-, got {expression[:40]!r}")
        end = int(first) if not dash else int(last) if last else max(names, default=0)
        found = {name for number, name in names.items() if int(first) <= number <= end}
        if not found:
            raise RecordingError(f"there are no frames {expression}")
        selected |= found
    return selected


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) <= MAX_DIGITS
