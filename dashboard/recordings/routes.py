"""Recordings over HTTP: what there is, its frames and pictures as they lie on the disk, hiding and restoring frames.

Away from the flight's path: the bridge, its worker and the recorder hear nothing of this, and no picture is decoded
here. Names come from anybody: a run is one of those in the folder, a file one of its own pictures.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

import flask

from dashboard.auth import Authoriser, answered
from dashboard.pages import page
from dataset.recordings.layout import DEPTH, FRAMES, IMAGES, MASKS, is_recording, read_meta
from dataset.recordings.recording import read_hidden, select_frames, state_of, write_hidden
from dataset.recordings.summary import RecordingSummary, SummaryCache, frame_names
from sim_bridge.rate_limit import OncePerSecond

PICTURES = {".jpeg": "image/jpeg", ".jpg": "image/jpeg", ".png": "image/png"}
MOST_EXPRESSIONS = 1000  # of a call to hide or restore
CHUNK = 1 << 18  # bytes

logger = logging.getLogger(__name__)

_FILE_NAME = re.compile(r"[\w-][\w.-]*", re.ASCII)


class Recordings:
    """The recordings in a folder, as pages and calls."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._authoriser: Authoriser | None = None
        self._summaries = SummaryCache()
        self._hiding = threading.Lock()
        self._complaints = OncePerSecond(logger)

    def pages(self, authoriser: Authoriser) -> flask.Blueprint:
        """The pages and calls of an application."""
        self._authoriser = authoriser
        pages = flask.Blueprint("recordings", __name__)
        pages.add_url_rule("/recordings", "list", page("recordings.html"))
        pages.add_url_rule("/recordings/<name>", "player", page("recording.html"))
        run = "/api/recordings/<name>"
        reading = (
            ("/api/recordings", self._list),
            (run, self._describe),
            (f"{run}/frames", self._frames),
            (f"{run}/<any({IMAGES}, {MASKS}, {DEPTH}):part>/<file>", self._picture),
        )
        for path, read in reading:
            pages.add_url_rule(path, read.__name__, _reading(read))
        for path, change in ((f"{run}/hide", self._hide), (f"{run}/restore", self._restore)):
            pages.add_url_rule(path, change.__name__, authoriser.require_token(change), methods=["POST"])
        return pages

    def _list(self) -> dict:
        looks = [look for look in map(self._look, self._runs()) if look is not None]
        newest_first = sorted(looks, key=lambda look: (look.started or "", look.name), reverse=True)
        return {"recordings": [asdict(look) for look in newest_first]}

    def _look(self, run: Path) -> RecordingSummary | None:
        try:
            return self._summaries.summarise(run)
        except OSError as error:  # the others are none the worse
            self._complaints.warning(run.name, "the recording %s cannot be read: %s", run, error)
            return None

    def _describe(self, name: str) -> dict:
        run = self._find(name)
        meta = read_meta(run)
        if not self._authoriser.is_authorised():
            meta = _without_folders(meta)
        return {"name": run.name, "state": state_of(run, meta), "meta": meta, "hidden": sorted(read_hidden(run))}

    def _frames(self, name: str) -> flask.Response:
        """`frames.jsonl` as it is, from a byte on, so that a reader can come back for what was added since."""
        start = flask.request.args.get("from", "0")
        if not (start.isascii() and start.isdecimal() and len(start) < 16):
            raise ValueError(f"from: expected a number of bytes, got {start!r:.40}")
        path = self._find(name) / FRAMES
        end = path.stat().st_size if path.is_file() else 0
        count = max(end - int(start), 0)
        answer = flask.Response(_read(path, int(start), count), mimetype="application/x-ndjson")
        answer.content_length = count
        return answer

    def _picture(self, name: str, part: str, file: str) -> flask.Response:
        run = self._find(name).resolve()
        kind = PICTURES.get(Path(file).suffix) if _FILE_NAME.fullmatch(file) else None
        path = (run / part / file).resolve() if kind else None
        if path is None or not path.is_relative_to(run) or not path.is_file():  # a link may lead elsewhere
            raise LookupError(f"{name} has no file {part}/{file[:100]}")
        return flask.send_file(path, kind, conditional=True)

    def _hide(self, body: Mapping, name: str) -> dict:
        return self._change(name, body, lambda hidden, chosen: hidden | chosen)

    def _restore(self, body: Mapping, name: str) -> dict:
        return self._change(name, body, lambda hidden, chosen: hidden - chosen)

    def _change(self, name: str, body: Mapping, change: Callable[[frozenset, set], frozenset]) -> dict:
        run, expressions = self._find(name), body.get("frames")
        if not (isinstance(expressions, list) and all(isinstance(each, str) for each in expressions) and expressions):
            raise ValueError('frames: expected a list such as ["120-180", "200"] or ["all"]')
        if len(expressions) > MOST_EXPRESSIONS:
            raise ValueError(f"frames: expected at most {MOST_EXPRESSIONS} of them, got {len(expressions)}")
        chosen = select_frames(frame_names(run), expressions)
        with self._hiding:
            before = read_hidden(run)
            after = change(before, chosen)
            if after != before:
                write_hidden(run, after)
        return {"changed": len(before ^ after), "hidden": sorted(after)}

    def _runs(self) -> list[Path]:
        names = os.listdir(self._folder) if self._folder.is_dir() else []
        return [self._folder / name for name in names if name.isprintable() and is_recording(self._folder / name)]

    def _find(self, name: str) -> Path:
        """The run of that name. Raises LookupError."""
        if self._folder.is_dir() and name in os.listdir(self._folder) and is_recording(self._folder / name):
            return self._folder / name
        raise LookupError(f"there is no recording {name[:100]!r}")


def _without_folders(meta: Mapping) -> dict:
    """For who may only watch: of the settings those of the agent; others name folders of this machine."""
    settings = meta.get("settings")
    agent = settings.get("agent") if isinstance(settings, dict) else None
    return {**meta, "settings": {} if agent is None else {"agent": agent}}


def _reading(read: Callable[..., flask.typing.ResponseReturnValue]) -> Callable[..., flask.typing.ResponseReturnValue]:
    return lambda **path: answered(lambda: read(**path))


def _read(path: Path, start: int, count: int) -> Iterator[bytes]:
    """So many bytes of a file that may be growing."""
    if not count:
        return
    with path.open("rb") as file:
        file.seek(start)
        while count > 0 and (chunk := file.read(min(CHUNK, count))):
            count -= len(chunk)
            yield chunk
