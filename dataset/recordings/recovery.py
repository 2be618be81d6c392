"""What to do about recordings that were cut off: keep what is whole, set the rest aside, finish `meta.json`."""

import logging
import os
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from dataset.files import write_atomically
from dataset.integrity import image_defect
from dataset.recordings.record import (
    ASIDE,
    DEPTH,
    IMAGES,
    LINES,
    LOCK,
    MASKS,
    META,
    FrameRecord,
    lock,
    read_lines,
    read_meta,
    write_meta,
)

logger = logging.getLogger(__name__)

CHECKED_FRAMES = 1000  # the last ones, byte by byte: more than was ever written between two syncs


@dataclass(frozen=True)
class Recovered:
    """What was found in a run that was cut off."""

    run: Path
    frames: int  # that are whole
    lines_aside: int  # of frames.jsonl
    files_aside: int

    def __str__(self) -> str:
        aside = [
            f"{count} {what}" for count, what in ((self.lines_aside, "lines"), (self.files_aside, "files")) if count
        ]
        found = f"{self.run.name} was cut off: {self.frames} frames are whole"
        return f"{found}, {' and '.join(aside)} set aside in {ASIDE}/" if aside else f"{found}, nothing is missing"


def is_run(folder: Path) -> bool:
    """Whether a folder is a recording."""
    return (folder / LINES).is_file() or (folder / META).is_file()


def recover_all(folder: Path) -> list[Recovered]:
    """Recover every run in `folder` that was cut off. Runs that are being written now are left alone."""
    found = []
    for run in sorted(folder.iterdir()) if folder.is_dir() else []:
        if run.is_dir() and is_run(run) and not read_meta(run).get("ended"):
            try:
                recovered = recover(run)
            except OSError as error:
                logger.warning("%s was cut off and cannot be put in order: %s", run, error)
                continue
            if recovered is not None:
                found.append(recovered)
    return found


def recover(run: Path) -> Recovered | None:
    """Put a run in order that was cut off. None when it needs nothing, or when it is being written now.

    Nothing is deleted: lines that are no frames and files without a line go to `aside/`. May itself be cut off at any
    moment and begun again. Raises OSError.
    """
    claim = lock(run)
    if claim is None:
        return None
    try:
        meta = read_meta(run)
        if meta.get("ended"):
            return None
        records, broken = read_lines(run)
        whole = [record for record in records[:-CHECKED_FRAMES] if _is_there(run, record)]
        whole += [record for record in records[-CHECKED_FRAMES:] if _is_there(run, record) and _is_whole(run, record)]
        kept = {record.frame for record in whole}
        lines = broken + [record.to_line() for record in records if record.frame not in kept]
        files = _files_without_line(run, {name for record in whole for name in record.files()})
        if lines or files:
            (run / ASIDE).mkdir(exist_ok=True)
        if lines:
            with (run / ASIDE / LINES).open("ab") as aside:
                aside.writelines(line.rstrip(b"\n") + b"\n" for line in lines)
            write_atomically(run / LINES, b"".join(record.to_line() for record in whole))
        for file in files:
            # Flat, because a folder "images" inside it would make a dataset of it.
            os.replace(file, run / ASIDE / f"{file.parent.name}-{file.name}")
        labels = Counter(record.label_source for record in whole)
        last = whole[-1].received if whole else None
        write_meta(
            run,
            meta
            | {
                "ended": _iso(last) or "unknown",
                "end_reason": "cut off",
                "frames": len(whole),
                "labels": labels,
                "aside": {"lines": len(lines), "files": len(files)},
            },
        )
    finally:
        claim.release()
    (run / LOCK).unlink(missing_ok=True)
    recovered = Recovered(run, len(whole), len(lines), len(files))
    logger.info("%s", recovered)
    return recovered


def _is_there(run: Path, record: FrameRecord) -> bool:
    return all((run / name).is_file() and (run / name).stat().st_size for name in record.files())


def _is_whole(run: Path, record: FrameRecord) -> bool:
    return not any(image_defect(name, (run / name).read_bytes()) for name in record.files())


def _files_without_line(run: Path, known: set[str]) -> list[Path]:
    return [
        file
        for part in (IMAGES, MASKS, DEPTH)
        if (run / part).is_dir()
        for file in sorted((run / part).iterdir())
        if f"{part}/{file.name}" not in known
    ]


def _iso(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
