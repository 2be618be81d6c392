"""Change the labels of recorded frames. The masks that are replaced are kept, and can be restored.

Before a mask is replaced, it is copied to old_masks/FRAME.N.png, and a line about it is added to old_masks/log.jsonl.
A process that is killed at any moment leaves each frame with one of its two masks, whole. The last ones that it changed
may still be recorded as labelled by what labelled them before, but never a model's labels as ground truth. Changed
again, they are recorded right.
"""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from dataset.files import write_atomically
from dataset.json_lines import json_line
from dataset.masks.labels import class_areas, decode_labels, encode_labels
from dataset.recordings import layout
from dataset.recordings.frame_lines import FrameLines
from dataset.recordings.frame_record import FileName, FrameRecord
from dataset.recordings.layout import FRAMES, OLD_MASKS, RecordingError
from dataset.recordings.recording import Recording
from dataset.recordings.writer import iso_time
from dataset.schema import GROUND_TRUTH, HERO, PEOPLE, LabelSource

LOG = "log.jsonl"
CHANGES_PER_WRITE = 300  # frames that are changed before the file of all their records is written


@dataclass(frozen=True, eq=False)
class NewLabels:
    """What a frame is to be labelled as."""

    frame: str
    labels: np.ndarray  # (height, width) uint8, the class of each pixel
    source: LabelSource
    labelled_by: str  # a person or a model
    revision: str | None = None  # of the labels that these are made from; None: whatever is there is replaced


class LabelsChanged(RecordingError):
    """Somebody else has changed the labels of a frame since they were read."""


@dataclass(frozen=True)
class OldMask:
    """A mask that was replaced: a line of the log."""

    frame: str
    file: FileName  # in old_masks/
    label_source: LabelSource
    labelled_by: str
    replaced: str  # time, ISO 8601
    replaced_by: str


def revision_of(record: FrameRecord, mask: bytes) -> str:
    """Return what identifies the labels of a frame: its mask file, and who has labelled it."""
    return hashlib.sha256(f"{record.label_source}\0{record.labelled_by}\0".encode() + mask).hexdigest()[:32]


def replace_labels(recording: Recording, changes: Iterable[NewLabels], keep: Collection[LabelSource] = ()) -> int:
    """Change labels, and return how many frames have others than before, or than was recorded; the rest stay.

    So do frames that by now have labels of a source to `keep`, whatever they had when the recording was opened.
    Raises RecordingError for a recording that is being written, a frame that it does not have, and labels of another
    size, LabelsChanged for labels made from others than are there, and OSError. What was changed until then stays.
    """
    changed: set[str] = set()
    records = recording.path / FRAMES
    with _claimed(recording):
        lines = FrameLines(recording.path)  # now: another process may have changed some since the recording was opened
        try:
            for new in changes:
                old = lines.record(new.frame)
                if old is None:
                    raise RecordingError(f"{recording.path.name} has no frame {new.frame}")
                if new.labels.shape != recording.frame_size:
                    raise RecordingError(f"expected labels of {recording.frame_size} pixels, got {new.labels.shape}")
                if old.label_source in keep:
                    continue
                mask = recording.read_mask(old)
                labels = decode_labels(mask, recording.frame_size)
                same = labels is not None and np.array_equal(labels, new.labels)
                repeated = same and new.source in (old.label_source, "person")  # a save whose answer was lost
                if not repeated and new.revision not in (None, revision_of(old, mask)):
                    raise LabelsChanged(_who_changed(old))
                record = _record_of(new, old)
                if same and record == dataclasses.replace(old, labelled_by=new.labelled_by):
                    continue
                if mask and (not same or old.label_source != new.source):  # without a mask there is nothing to keep
                    _keep(recording.path, mask, old, new)
                if old.label_source in GROUND_TRUTH and new.source not in GROUND_TRUTH:
                    lines.replace(record)
                    write_atomically(records, lines.content())  # before the mask: it must not count as ground truth
                if not same:
                    path = recording.path / old.mask_file
                    path.parent.mkdir(exist_ok=True)
                    write_atomically(path, encode_labels(new.labels))
                lines.replace(record)
                changed.add(new.frame)
                if len(changed) % CHANGES_PER_WRITE == 0:
                    write_atomically(records, lines.content())
        finally:
            if changed:
                write_atomically(records, lines.content())
    return len(changed)


def restore_labels(recording: Recording, frames: Iterable[str], revision: str | None = None) -> int:
    """Give frames the labels back that they had before their last change; return how many were changed.

    Restored twice, a frame has its changed labels again. With `revision`, of the labels that are given up, others are
    not. Raises as `replace_labels`.
    """
    last = _last_changes(recording.path)
    found = (_restored(recording, last[frame], revision) for frame in frames if frame in last)
    return replace_labels(recording, found)


def changed_by_people(recording: Recording) -> set[str]:
    """Return the frames whose last change was no relabelling: the labels before it, or those after, are no model's."""
    last = _last_changes(recording.path)
    changed = (record for record in recording.frames if record.frame in last)
    return {each.frame for each in changed if {last[each.frame].label_source, each.label_source} != {"model"}}


def read_log(folder: Path) -> list[OldMask]:
    """Return the masks that were replaced, in order; lines that an interruption left unfinished are skipped."""
    try:
        lines = (folder / OLD_MASKS / LOG).read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for line in lines:
        try:
            found.append(_ADAPTER.validate_json(line))
        except ValidationError:
            continue
    return found


def _last_changes(folder: Path) -> dict[str, OldMask]:
    return {old.frame: old for old in read_log(folder)}


def _who_changed(record: FrameRecord) -> str:
    who = record.labelled_by or f"the {record.label_source}"
    return (
        f"the labels of frame {record.frame} were changed by {who} since you loaded them; yours are not saved:"
        " load the frame again"
    )


def _restored(recording: Recording, old: OldMask, revision: str | None) -> NewLabels:
    labels = decode_labels((recording.path / OLD_MASKS / old.file).read_bytes(), recording.frame_size)
    if labels is None:
        raise RecordingError(f"{recording.path / OLD_MASKS / old.file} is no mask of {recording.frame_size} pixels")
    return NewLabels(old.frame, labels, old.label_source, old.labelled_by, revision)


def _record_of(new: NewLabels, old: FrameRecord) -> FrameRecord:
    areas = class_areas(new.labels)
    hero, people = int(areas[HERO]), int(areas[PEOPLE])
    source, by = new.source, new.labelled_by
    return dataclasses.replace(old, label_source=source, labelled_by=by, hero_pixels=hero, people_pixels=people)


def _keep(folder: Path, mask: bytes, record: FrameRecord, new: NewLabels) -> None:
    """Copy the mask of a frame, and log that it is replaced."""
    kept = folder / OLD_MASKS
    kept.mkdir(exist_ok=True)
    number = 1 + sum(1 for _ in kept.glob(f"{record.frame}.*.png"))
    name = f"{record.frame}.{number}.png"
    write_atomically(kept / name, mask)
    old = OldMask(record.frame, name, record.label_source, record.labelled_by, iso_time(), new.labelled_by)
    with (kept / LOG).open("a+b") as log:
        log.seek(max(log.tell() - 1, 0))
        if log.read() not in (b"", b"\n"):  # an interruption left the last line unfinished
            log.write(b"\n")
        log.write(json_line(dataclasses.asdict(old)))


@contextmanager
def _claimed(recording: Recording) -> Iterator[None]:
    """Keep other processes from changing the recording meanwhile."""
    claim = layout.lock(recording.path)
    if claim is None:
        raise RecordingError(f"{recording.path.name} is being written by another process: wait until it ends")
    try:
        yield
    finally:
        claim.release()
        (recording.path / layout.LOCK).unlink(missing_ok=True)


_ADAPTER = TypeAdapter(OldMask)
