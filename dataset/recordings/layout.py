"""Files and folders of a recording, its metadata, and its writer's lock.

<name>/images/000012.jpeg   as received         <name>/frames.jsonl   one JSON object per frame and line
<name>/masks/000012.png     R background,       <name>/meta.json      model, settings, versions, start and end
                            G people, B hero    <name>/hidden.txt     frames excluded from training
<name>/depth/000012.png     as received         <name>/quarantine/    what an interruption left unfinished
<name>/previews/            contact sheet, plots, film   <name>/old_masks/   masks that were replaced, and a log
<name>/network_findings.jsonl   what networks found wrong with the labels
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from config.text import decode_text
from dataset.files import write_atomically

RECORDINGS = Path("recordings")  # the folder of all recordings, unless a setting or an argument names another

FORMAT = 1
FRAME_FOLDERS = IMAGES, MASKS, DEPTH = "images", "masks", "depth"
FRAMES, META, HIDDEN, LOCK = "frames.jsonl", "meta.json", "hidden.txt", ".lock"
NETWORK_FINDINGS = "network_findings.jsonl"
QUARANTINE, PREVIEWS, OLD_MASKS = "quarantine", "previews", "old_masks"

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?<!\.)")  # valid as a folder on every system


class RecordingError(ValueError):
    """A recording cannot be used as asked; the message says what was expected and what is there."""


def is_recording(folder: Path) -> bool:
    """Return whether a folder is a recording. One that cannot be entered is none."""
    return any(os.path.isfile(folder / name) for name in (FRAMES, META))  # False whatever the system refuses


def recording_folders(folder: Path) -> list[Path]:
    """Return the folders of all recordings in `folder`, by name."""
    names = sorted(os.listdir(folder)) if folder.is_dir() else []
    return [folder / name for name in names if name.isprintable() and is_recording(folder / name)]


def find_recording(folder: Path, name: str) -> Path:
    """Return the folder of a recording by its name, which need not be trusted. Raises LookupError."""
    if folder.is_dir() and name in os.listdir(folder) and is_recording(folder / name):
        return folder / name
    raise LookupError(f"there is no recording {name[:100]!r}")


def is_recording_name(name: object) -> bool:
    """Return whether a recording's folder can have this name on every system."""
    return isinstance(name, str) and _NAME.fullmatch(name) is not None


def parse_hidden(data: bytes) -> frozenset[str]:
    """Return the names of frames that `hidden.txt` holds, as any editor may have saved it."""
    try:
        return frozenset(decode_text(data).split())
    except ValueError:  # no UTF-8: the names of frames are the same in every other encoding
        return frozenset(data.decode("latin-1").split())


def read_meta(folder: Path) -> dict[str, Any]:
    """Return the contents of `meta.json`; empty if it is missing or unreadable: the frames are usable without it."""
    try:
        return parse_meta((folder / META).read_bytes()) or {}
    except OSError:
        return {}


def parse_meta(data: bytes) -> dict[str, Any] | None:
    """Return what a `meta.json` holds; None if it is damaged."""
    try:
        meta = json.loads(data, parse_constant=lambda not_finite: None)
    except (ValueError, RecursionError):  # of lists within lists within lists
        return None
    return meta if isinstance(meta, dict) else None


def section_of(meta: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return an object within `meta.json`; empty if it is missing or something else."""
    section = meta.get(key)
    return section if isinstance(section, dict) else {}


def write_meta(folder: Path, meta: Mapping[str, object]) -> None:
    """Replace `meta.json`. Raises OSError."""
    write_atomically(folder / META, json.dumps(meta, indent=1) + "\n")


def lock(folder: Path) -> FileLock | None:
    """Claim a recording for writing; None while another process holds it. Raises OSError if no file can be made.

    The system releases the lock when a process ends, however it ends. So a recording without an end in `meta.json` was
    interrupted if its lock is free.
    """
    claim = FileLock(folder / LOCK, blocking=False, thread_local=False)
    try:
        claim.acquire()
    except Timeout:
        return None
    return claim
