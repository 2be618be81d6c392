"""Make new recordings of parts of others: copy, cut and join. The others stay as they are."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from dataset.recordings.frame_record import FrameRecord, as_stored
from dataset.recordings.layout import RecordingError
from dataset.recordings.recording import Recording, write_hidden
from dataset.recordings.writer import new_recording

# Of a recording's meta.json, what is true of each part of it.
KEPT_META = ("simulator", "model", "settings", "frame_size")
GAP = 1  # numbers left out between joined recordings: what comes next was not decided after what came before


@dataclass(frozen=True)
class Part:
    """Some frames of a recording, in order."""

    recording: Recording
    frames: tuple[FrameRecord, ...]


def part_of(recording: Recording, names: Collection[str]) -> Part:
    """Return the frames of these names. Raises RecordingError for a recording that is being written."""
    if recording.state == "recording":
        raise RecordingError(f"{recording.path.name} is being recorded: wait until it ends")
    return Part(recording, tuple(record for record in recording.frames if record.frame in names))


def split(recording: Recording, starts: Iterable[str]) -> list[Part]:
    """Return the frames before the first of `starts`, and those from each of them on."""
    names = recording.names
    places = [0, *sorted({names.index(start) for start in starts} - {0}), len(names)]
    return [part_of(recording, names[begin:end]) for begin, end in pairwise(places)]


def write(parts: Sequence[Part], path: Path, how: str, progress: Callable[[list[Any]], Iterable[Any]] = iter) -> int:
    """Write a new recording of these parts, and return the number of its frames.

    Files are copied byte for byte. Frames of one recording keep their names; those of several get new ones. `how`, such
    as "merged", is the end's reason in meta.json. `progress` wraps the list of frames, to show a bar.

    Raises RecordingError if `path` exists or cannot be a recording, if there are no frames or frames of several sizes,
    for a missing file, and OSError; then nothing of the new recording remains.
    """
    sizes = [(each.recording.path, each.recording.frame_size) for each in parts if each.frames]
    if not sizes:
        raise RecordingError(f"{path.name} would have no frame")
    if len({size for _, size in sizes}) > 1:
        shown = ", ".join(f"{recording} has {rows}x{columns}" for recording, (rows, columns) in sizes)
        raise RecordingError(f"expected frames of one size, but {shown}")
    hidden = []
    with new_recording(path, _meta(parts), how) as writer:
        for recording, old, new in progress(list(_frames(parts))):
            image, mask, *depth = (_read(recording.path / name) for name in old.files())
            writer.add(new, image, mask, depth[0] if depth else None)
            if old.frame in recording.hidden:
                hidden.append(new.frame)
        if hidden:
            write_hidden(writer.path, hidden)
    return writer.frames


def _frames(parts: Sequence[Part]) -> Iterator[tuple[Recording, FrameRecord, FrameRecord]]:
    """Yield each frame's recording, its record there, and its record in the new recording."""
    joined, index, next_number = len(parts) > 1, 0, 0
    for part in parts:
        first = next((record.number for record in part.frames if record.number is not None), 0)
        offset = next_number - first if joined else 0
        for record in as_stored(part.recording.path, part.frames):
            number = None if record.number is None else record.number + offset
            new = replace(record, number=number)
            if joined:
                name = f"{index:06}"
                new = replace(new, frame=name, image=name + Path(record.image).suffix)
            yield part.recording, record, new
            index += 1
            if number is not None:
                next_number = number + 1 + GAP


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise RecordingError(f"{file} is missing, but a line of frames.jsonl names it: leave that frame out") from error


def _meta(parts: Sequence[Part]) -> dict[str, Any]:
    """Return what is the same in all recordings, and where the frames come from."""
    metas = [part.recording.meta for part in parts]
    meta = {
        key: metas[0][key] for key in KEPT_META if key in metas[0] and all(m.get(key) == metas[0][key] for m in metas)
    }
    sources = [{"recording": part.recording.path.name, "frames": _ends(part)} for part in parts if part.frames]
    return meta | {"started": metas[0].get("started"), "edited_from": sources}


def _ends(part: Part) -> list[str]:
    return [part.frames[0].frame, part.frames[-1].frame]
