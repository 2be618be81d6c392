"""Labels of recordings over HTTP: which are worth a look, those of a frame, and what a person makes of them.

A caller sends the revision of the labels that it has changed. Of two who change the same ones, the later is refused.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le, MaxLen, MinLen

from dashboard.pages import Json, Pages, offload
from dashboard.recordings.label_propagation import propagate_labels
from dataset.images import decode_image
from dataset.masks.labels import decode_labels
from dataset.masks.runs import labels_of_runs, runs_of_labels
from dataset.recordings.frame_lines import FrameLines
from dataset.recordings.frame_record import read_frame_records
from dataset.recordings.layout import IMAGES, find_recording, read_meta
from dataset.recordings.recording import Recording, open_recording
from dataset.review.ranking import suspect_frames
from dataset.review.relabelling import NewLabels, read_log, replace_labels, restore_labels, revision_of
from dataset.schema import GROUND_TRUTH

MAX_BYTES = 4_000_000  # of a frame's labels as JSON
NOBODY = "a person"  # who gave no name

Name = Annotated[str, MaxLen(60), "a name of at most 60 characters"]


@dataclass(frozen=True)
class CorrectedLabels:
    """Labels of a frame, as `dataset.masks.runs` writes them."""

    runs: Annotated[tuple[int, ...], MinLen(2), "a list of numbers: class, length, class, length, ..."]
    revision: Annotated[str, MaxLen(64), "the revision of the labels that were corrected"]
    by: Name = ""


@dataclass(frozen=True)
class RestoredLabels:
    """The labels of a frame before the last change."""

    revision: Annotated[str, MaxLen(64), "the revision of the labels that are given up"]


@dataclass(frozen=True)
class PropagationRequest:
    """Up to how many frames the labels of one are propagated to."""

    frames: Annotated[int, Ge(1), Le(1000), "a whole number from 1 to 1000"] = 50
    by: Name = ""


class LabelCalls:
    """Calls about the labels of the recordings in a folder."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._changing = threading.Lock()  # one change of this process at a time; other processes see the file lock

    def add_to(self, pages: Pages, recording: str) -> None:
        """Add the page and its calls; `recording` is the address of one."""
        pages.add_page("/recordings/<name>/labels", "labels.html")
        pages.get(f"{recording}/suspicious")(self._suspicious)
        pages.get(f"{recording}/labels/<frame>")(self._labels)
        pages.add_command(f"{recording}/labels/<frame>", CorrectedLabels, self._save_labels, MAX_BYTES)
        pages.add_command(f"{recording}/labels/<frame>/restore", RestoredLabels, self._restore_labels)
        pages.add_command(f"{recording}/labels/<frame>/propagate", PropagationRequest, self._propagate_labels)

    def _suspicious(self, name: str) -> Json:
        path = find_recording(self._folder, name)
        return offload(lambda: {"frames": [asdict(each) for each in suspect_frames(open_recording(path))]})

    def _labels(self, name: str, frame: str) -> Json:
        path = find_recording(self._folder, name)
        return offload(lambda: _describe(_open(path, frame)))

    def _save_labels(self, new: CorrectedLabels, name: str, frame: str) -> Json:
        def save(recording: Recording) -> Json:
            labels = labels_of_runs(new.runs, recording.frame_size)
            replace_labels(recording, [NewLabels(frame, labels, "person", new.by or NOBODY, new.revision)])
            return {}

        return self._change(name, frame, save)

    def _restore_labels(self, given_up: RestoredLabels, name: str, frame: str) -> Json:
        def restore(recording: Recording) -> Json:
            return {"changed": restore_labels(recording, [frame], given_up.revision)}

        return self._change(name, frame, restore)

    def _propagate_labels(self, wanted: PropagationRequest, name: str, frame: str) -> Json:
        def propagate(recording: Recording) -> Json:
            whole = replace(recording, frames=tuple(read_frame_records(recording.path)[0]))
            found = propagate_labels(whole, recording.frames[0], wanted.frames, wanted.by or NOBODY)
            replace_labels(recording, found.labels, keep=GROUND_TRUTH)
            return {"propagated": [each.frame for each in found.labels], "ended": found.ended}

        return self._change(name, frame, propagate)

    def _change(self, name: str, frame: str, change: Callable[[Recording], Json]) -> Json:
        path = find_recording(self._folder, name)

        def act() -> Json:
            with self._changing:
                answer = change(_open(path, frame))
                return answer | _describe(_open(path, frame))

        return offload(act)


def _open(path: Path, frame: str) -> Recording:
    """Return a recording with only one of its frames: the others, mostly thousands, are not parsed.

    If `meta.json` has no size of its frames, it is that of the frame's image. Raises LookupError without the frame,
    DatasetError for an image that cannot be read, OSError.
    """
    record = FrameLines(path).record(frame)
    if record is None:
        raise LookupError(f"{path.name} has no frame {frame[:100]!r}")
    recording = Recording(path, read_meta(path), (record,), unreadable=0)
    if "frame_size" in recording.meta:
        return recording
    image = path / IMAGES / record.image
    size = list(decode_image(image.read_bytes(), image).shape[:2])
    return replace(recording, meta=recording.meta | {"frame_size": size})


def _describe(recording: Recording) -> Json:
    """Return the labels of its only frame, whose they are, and whose they were before."""
    (record,) = recording.frames
    mask = recording.read_mask(record)
    labels = decode_labels(mask, recording.frame_size)
    return {
        "frame": record.frame,
        "size": recording.frame_size,
        "runs": None if labels is None else runs_of_labels(labels),  # None: the file is no mask, or missing
        "revision": revision_of(record, mask),
        "label_source": record.label_source,
        "labelled_by": record.labelled_by,
        "old": [asdict(old) for old in read_log(recording.path) if old.frame == record.frame],
    }
