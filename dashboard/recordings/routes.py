"""Recordings over HTTP: which there are, their frames and pictures as stored, statistics, hiding and restoring frames.

Independent of the flight, and no picture is decoded here. Names in requests are not trusted: a recording is one of
those in the folder, a picture one of its own.
"""

import logging
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import flask
from annotated_types import MaxLen, MinLen

from dashboard.pages import Json, Pages, is_authorised, offload, read_number
from dashboard.recordings.label_routes import LabelCalls
from dataset.recordings.frame_record import read_frame_records
from dataset.recordings.layout import (
    DEPTH,
    FRAMES,
    HIDDEN,
    IMAGES,
    MASKS,
    META,
    find_recording,
    read_meta,
    recording_folders,
    section_of,
)
from dataset.recordings.recording import open_recording, read_hidden, select_frames, state_of, write_hidden
from dataset.recordings.statistics import is_wrong_target, statistics_of
from dataset.recordings.summary import RecordingSummary, SummaryCache
from sim_bridge.rate_limit import RateLimitedLogger

IMAGE_TYPES = {".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png"}
CHUNK = 1 << 18  # bytes

logger = logging.getLogger(__name__)

_FILE_NAME = re.compile(r"[\w-][\w.-]*", re.ASCII)


@dataclass(frozen=True)
class FrameSelection:
    """Frames to hide or to restore."""

    frames: Annotated[
        tuple[str, ...], MinLen(1), MaxLen(1000), 'a list of 1 to 1000 texts such as ["120-180", "200"] or ["all"]'
    ]


class Recordings:
    """The recordings in a folder."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._summaries = SummaryCache()
        self._hiding = threading.Lock()
        self._warnings = RateLimitedLogger(logger)

    def pages(self) -> Pages:
        """Return the pages with their calls."""
        pages = Pages("recordings")
        pages.add_page("/recordings", "recordings.html")
        pages.add_page("/recordings/<name>", "recording.html")
        recording = "/api/recordings/<name>"
        pages.get("/api/recordings")(self._list)
        pages.get(recording)(self._describe)
        pages.get(f"{recording}/frames")(self._frames)
        pages.get(f"{recording}/statistics")(self._statistics)
        pages.get(f"{recording}/<any({IMAGES}, {MASKS}, {DEPTH}):part>/<file>")(self._picture)
        LabelCalls(self._folder).add_to(pages, recording)
        pages.add_command(f"{recording}/hide", FrameSelection, self._hide)
        pages.add_command(f"{recording}/restore", FrameSelection, self._restore)
        return pages

    def _list(self) -> Json:
        return offload(self._read_list)

    def _read_list(self) -> Json:
        summaries = [summary for summary in map(self._summarise, recording_folders(self._folder)) if summary]
        newest_first = sorted(summaries, key=lambda each: (each.started or "", each.name), reverse=True)
        return {"recordings": [asdict(summary) for summary in newest_first]}

    def _summarise(self, recording: Path) -> RecordingSummary | None:
        try:
            return self._summaries.summarise(recording)
        except OSError as error:  # the other recordings can still be shown
            self._warnings.warning(recording.name, "the recording %s cannot be read: %s", recording, error)
            return None

    def _describe(self, name: str) -> Json:
        recording = self._find(name)
        meta = read_meta(recording)
        state, hidden = state_of(recording, meta), sorted(read_hidden(recording))
        return {"name": name, "state": state, "meta": meta if is_authorised() else _public(meta), "hidden": hidden}

    def _frames(self, name: str) -> flask.Response:
        """Return `frames.jsonl` as it is, from a byte on, so that a reader can come back for what was added since."""
        start = read_number("from")
        path = self._find(name) / FRAMES
        return flask.Response(_read(path, start) if path.is_file() else b"", mimetype="application/x-ndjson")

    def _statistics(self, name: str) -> Json:
        """Return the statistics of the frames that the parameter `frames` selects, such as 120-180; without it all."""
        path, expression = find_recording(self._folder, name), flask.request.args.get("frames", "all")
        return offload(lambda: _statistics(path, expression))

    def _find(self, name: str) -> Path:
        """Return a recording whose text files lie within it. Raises LookupError."""
        recording = find_recording(self._folder, name)
        for file in (FRAMES, META, HIDDEN):
            if not (recording / file).resolve().is_relative_to(recording.resolve()):
                raise LookupError(f"{name}/{file} leads out of the recording: put the file itself there, not a link")
        return recording

    def _picture(self, name: str, part: str, file: str) -> flask.Response:
        recording = find_recording(self._folder, name).resolve()
        kind = IMAGE_TYPES.get(Path(file).suffix)
        if kind is not None and _FILE_NAME.fullmatch(file):
            path = (recording / part / file).resolve()
            if path.is_relative_to(recording) and path.is_file():  # a link may lead elsewhere
                return flask.send_file(path, kind, conditional=True)
        raise LookupError(f"{name} has no file {part}/{file[:100]}")

    def _hide(self, selection: FrameSelection, name: str) -> Json:
        return self._change(name, selection, frozenset.union)

    def _restore(self, selection: FrameSelection, name: str) -> Json:
        return self._change(name, selection, frozenset.difference)

    def _change(self, name: str, selection: FrameSelection, change: Callable[..., frozenset[str]]) -> Json:
        recording = self._find(name)

        def act() -> Json:
            names = [record.frame for record in read_frame_records(recording)[0]]
            selected = select_frames(names, selection.frames)
            with self._hiding:
                before = read_hidden(recording)
                after = change(before, selected)
                if after != before:
                    write_hidden(recording, after)
            return {"changed": len(before ^ after), "hidden": sorted(after)}

        return offload(act)


def _statistics(path: Path, expression: str) -> Json:
    recording = open_recording(path)
    statistics = statistics_of(recording, select_frames(recording.names, [expression]))
    return {
        **asdict(statistics),
        "size_bands": list(statistics.size_bands.items()),  # an object would be sorted by name
        "wrong_target_frames": [frame.frame for frame in recording.frames if is_wrong_target(frame)],
    }


def _public(meta: Mapping[str, Any]) -> Json:
    """Return the metadata without settings that name folders of this machine."""
    agent = section_of(meta, "settings").get("agent")
    return {**meta, "settings": {} if agent is None else {"agent": agent}}


def _read(path: Path, start: int) -> Iterator[bytes]:
    """Yield a file, that may be growing, from a byte on."""
    with path.open("rb") as file:
        file.seek(start)
        yield from iter(partial(file.read, CHUNK), b"")
