"""Repair interrupted recordings: keep what is intact, quarantine the rest, complete `meta.json`."""

import logging
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dataset.files import write_atomically
from dataset.images import image_defect
from dataset.recordings import layout
from dataset.recordings.frame_record import FrameRecord, as_stored, read_frame_records
from dataset.recordings.layout import FORMAT, FRAMES, META, QUARANTINE, RecordingError, parse_meta, read_meta
from dataset.recordings.writer import free_name, iso_time

logger = logging.getLogger(__name__)

CHECKED_FRAMES = 1000  # the last ones, byte by byte: more than are ever written between two syncs


@dataclass(frozen=True)
class Recovery:
    """Outcome for an interrupted recording."""

    recording: Path
    frames: int  # intact
    lines: int  # of frames.jsonl, quarantined
    files: int  # quarantined
    lost_meta: bool = False  # whether meta.json was damaged, and quarantined

    def __str__(self) -> str:
        counts = ((self.lines, "line"), (self.files, "file"))
        moved = [f"{count} {noun}{'s' * (count != 1)}" for count, noun in counts if count]
        if self.lost_meta:
            moved.append(f"the damaged {META}")
        found = f"{self.recording.name} was interrupted: {self.frames} frames are intact"
        found += f", {' and '.join(moved)} moved to {QUARANTINE}/" if moved else ", nothing is missing"
        return found + ("; model, settings and simulator are unknown now" if self.lost_meta else "")


def recover_all(folder: Path) -> list[Recovery]:
    """Recover every interrupted recording in `folder`.

    Recordings that are being written now, and what other programs have made, are left alone.
    """
    try:
        recordings = layout.recording_folders(folder)
    except PermissionError as error:
        logger.warning("the recordings in %s cannot be listed, so none is recovered: %s", folder, error)
        return []
    recoveries = []
    for recording in recordings:
        try:
            interrupted = _is_ours(recording) and not read_meta(recording).get("ended")
            recovery = recover(recording) if interrupted else None
        except (OSError, ValueError) as error:  # a foreign file may have whatever
            logger.warning("%s was interrupted and cannot be recovered: %s", recording, error)
            continue
        if recovery is not None:
            recoveries.append(recovery)
    return recoveries


def recover(recording: Path) -> Recovery | None:
    """Recover one interrupted recording; None if it is finished, or being written now.

    Nothing is deleted: lines that are no frame records, files without a line and a damaged `meta.json` move to
    `quarantine/`. May itself be interrupted at any moment and started again. Raises OSError, and RecordingError for
    what another program has made.
    """
    if not _is_ours(recording):
        what = f"{recording} is no recording of this program: it has no {FRAMES} with frames of this program"
        raise RecordingError(f'{what}, and its {META} no "format": {FORMAT}. It is left as it is')
    claim = layout.lock(recording)
    if claim is None:
        return None
    try:
        stored = _read_if_there(recording / META)
        meta = parse_meta(stored)
        lost_meta = meta is None and bool(stored)  # a loss of power may leave an empty one
        meta = meta or {}
        if meta.get("ended"):
            return None
        written, broken = read_frame_records(recording)
        records = as_stored(recording, written)
        first_checked = len(records) - CHECKED_FRAMES
        intact = [each for i, each in enumerate(records) if _is_intact(recording, each, check=i >= first_checked)]
        kept = {record.frame for record in intact}
        lines = broken + [record.to_line() for record in written if record.frame not in kept]
        known = {recording / name for record in intact for name in record.files()}
        found = [file for part in layout.FRAME_FOLDERS for file in sorted((recording / part).glob("*"))]
        files = [file for file in found if file not in known]
        _quarantine(recording, lines, files, lost_meta)
        if lines or records != written:
            write_atomically(recording / FRAMES, b"".join(record.to_line() for record in intact))
        last = intact[-1].received if intact else None
        end = {
            "ended": _time_or_unknown(last),
            "end_reason": "interrupted",
            "frames": len(intact),
            "labels": Counter(record.label_source for record in intact),
            "quarantined": {"lines": len(lines), "files": len(files)},
        }
        layout.write_meta(recording, meta | end)
    finally:
        claim.release()
        (recording / layout.LOCK).unlink(missing_ok=True)
    recovery = Recovery(recording, len(intact), len(lines), len(files), lost_meta)
    logger.info("%s", recovery)
    return recovery


def _is_ours(recording: Path) -> bool:
    """Return whether this program has made a folder; a dataset of another one may have files of the same names.

    If a loss of power has damaged `meta.json`, it has if `frames.jsonl` holds a frame record, or nothing yet.
    """
    meta = read_meta(recording)
    if meta or not os.path.isfile(recording / FRAMES):
        return meta.get("format") == FORMAT
    records, broken = read_frame_records(recording)
    return bool(records) or not broken


def _read_if_there(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError:
        return b""


def _time_or_unknown(seconds: float | None) -> str:
    try:
        return "unknown" if seconds is None else iso_time(seconds)
    except (ValueError, OverflowError, OSError):  # milliseconds, for instance: the year 55840
        return "unknown"


def _is_intact(recording: Path, record: FrameRecord, check: bool) -> bool:
    """Return whether a frame has its files; with `check`, none of them with a defect."""
    files = [recording / name for name in record.files()]
    if not all(file.is_file() and file.stat().st_size for file in files):
        return False
    return not (check and any(image_defect(file.name, file.read_bytes()) for file in files))


def _quarantine(recording: Path, lines: list[bytes], files: list[Path], meta: bool) -> None:
    quarantine = recording / QUARANTINE
    if lines or files or meta:
        quarantine.mkdir(exist_ok=True)
    if meta:
        os.replace(recording / META, quarantine / free_name(quarantine, META))
    if lines:
        with (quarantine / FRAMES).open("ab") as copies:
            copies.writelines(line.rstrip(b"\n") + b"\n" for line in lines)
    for file in files:
        # Flat, because a folder "images" inside it would make a dataset of it.
        os.replace(file, quarantine / f"{file.parent.name}-{file.name}")
