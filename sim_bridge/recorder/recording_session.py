"""A recording session, from start to stop: filter frames and write them, one recording for each simulator."""

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dataset.recordings.writer import RecordingWriter, free_name, iso_time
from sim_bridge.rate_limit import RateLimitedLogger
from sim_bridge.recorder.destination import GIGABYTE, lack_of_space
from sim_bridge.recorder.encode import EncodedFrame, QueuedFrame, encode_frame
from sim_bridge.recorder.filter import FrameFilter, reasons_to_keep
from sim_bridge.session import Session
from sim_bridge.settings import RecordingSettings

logger = logging.getLogger(__name__)

DISK_PAUSE = 1.0  # seconds without an attempt after a disk error
DISK_MESSAGES = 10.0  # seconds between messages about the same trouble with the disk
DISK_CHECK = 1.0  # seconds between checks of the free space


@dataclass
class Totals:
    """Frames since the program started."""

    written: int = 0
    dropped: Counter[str] = field(default_factory=Counter)  # by reason


@dataclass(eq=False)
class _Stream:
    """Frames of one simulator. Its recording begins with the first frame that is kept, so that none is empty."""

    filter: FrameFilter
    writer: RecordingWriter | None = None
    meta: dict[str, object] = field(default_factory=dict)  # of a recording that begins now
    started: str = field(default_factory=iso_time)
    dropped: Counter[str] = field(default_factory=Counter)


def describe_simulator(session: Session) -> dict[str, object]:
    """Return what `meta.json` says of a simulator; the built-in one has a `world`, which seed and difficulty make."""
    description = {key: getattr(session, key) for key in ("name", "address", "connected_at")}
    if (info := session.simulator_info) is not None:
        description["world"] = {"seed": info.seed, "people": info.people, "difficulty": info.difficulty}
        description |= {"search": info.search, "motion": info.motion, "extent": info.extent}
    return description


class RecordingSession:
    """Writes one recording for each simulator, and another one after the model was changed.

    A number is added to a name that is taken. `totals` are updated, and `report` takes a message for the user when a
    recording ends. Any thread may use `drop` and `name`; all else is for the recorder's thread.
    """

    def __init__(self, settings: RecordingSettings, name: str, totals: Totals, report: Callable[[str], object]):
        self._folder = Path(settings.folder)
        self._requested, self._expected = name, free_name(self._folder, name)
        self._settings, self._totals, self._report = settings, totals, report
        self._writers: list[RecordingWriter] = []
        self._streams: dict[Session, _Stream] = {}
        self._lock = threading.Lock()  # guards streams and counts of dropped frames
        self._disk_failed = -DISK_PAUSE  # monotonic seconds
        self._disk_checked = -DISK_CHECK  # monotonic seconds
        self._limited_log = RateLimitedLogger(logger, DISK_MESSAGES)

    @property
    def recordings(self) -> list[str]:
        """Names of the folders that were made."""
        return [writer.path.name for writer in self._writers]

    @property
    def name(self) -> str:
        """Name of the first recording, also before it is made."""
        return next(iter(self.recordings), self._expected)

    @property
    def bytes(self) -> int:
        """Size of all recordings."""
        return sum(writer.bytes for writer in self._writers)

    def write(self, queued: QueuedFrame, origin: Mapping[str, object]) -> str | None:
        """Write a frame, and those held back, if the filter passes them; return the reason if the session must end."""
        stream = self._stream(queued.simulator)
        encoded, labels = encode_frame(queued)
        given = reasons_to_keep(labels, queued.processed, self._settings)
        at = queued.processed.frame.timestamp
        if stream.writer is None:
            simulator = describe_simulator(queued.simulator)
            stream.meta = {**origin, "simulator": simulator, "frame_size": labels.shape, "started": stream.started}
        limit = self._keep(queued.simulator, stream, stream.filter.select(encoded, at, given, marked=bool(queued.note)))
        if limit is None:
            self.sync()
        return limit

    def _keep(self, simulator: Session, stream: _Stream, frames: Iterable[EncodedFrame]) -> str | None:
        """Write frames; return the reason if the session must end."""
        kept = deque(frames)
        if kept and time.monotonic() - self._disk_failed >= DISK_PAUSE:
            try:
                if limit := self._limit_reached():
                    self.drop(simulator, limit, len(kept))
                    return limit
                while kept:
                    self._add(stream, kept[0])
                    self._totals.written += 1
                    kept.popleft()
            except OSError as error:
                self._disk_failed = time.monotonic()
                self._limited_log.warning("disk", "not recorded, the flight goes on: %s", error)
        if kept:
            self.drop(simulator, "the disk refused", len(kept))
        return None

    def _add(self, stream: _Stream, frame: EncodedFrame) -> None:
        """Write a frame; if its recording was removed, or a part of it, to another one. Raises OSError."""
        if stream.writer is not None:
            try:
                stream.writer.add(frame.record, frame.image, frame.mask, frame.depth)
                return
            except FileNotFoundError as error:
                self._writers.remove(stream.writer)
                stream.writer.abandon()
                stream.writer = None
                logger.warning("another recording begins, because this one was removed or moved: %s", error)
        meta = {**stream.meta, "first_number": frame.record.number}
        stream.writer = RecordingWriter(self._folder, self._requested, meta)
        self._writers.append(stream.writer)
        stream.writer.add(frame.record, frame.image, frame.mask, frame.depth)

    def drop(self, simulator: Session, reason: str, count: int = 1) -> None:
        """Count frames that are missing from the recording."""
        stream = self._stream(simulator)
        with self._lock:
            stream.dropped[reason] += count
            self._totals.dropped[reason] += count
        self._limited_log.warning(reason, "dropped from the recording: %s", reason)

    def sync(self) -> None:
        """Flush to the disk what is due."""
        try:
            for stream in self._streams.copy().values():
                if stream.writer is not None:
                    stream.writer.sync_if_due()
        except OSError as error:
            self._limited_log.warning("disk", "disk error: %s", error)

    def finish(self, reason: str) -> None:
        """Finish all recordings."""
        for simulator in list(self._streams):
            self.finish_simulator(simulator, reason)

    def finish_simulator(self, simulator: Session, reason: str) -> None:
        """Finish the recording of one simulator, if it has one."""
        with self._lock:
            stream = self._streams.get(simulator)
        if stream is None:
            return
        self._keep(simulator, stream, stream.filter.flush())
        with self._lock:
            self._streams.pop(simulator, None)
        writer, dropped = stream.writer, dict(stream.dropped)
        missing = f", {sum(dropped.values())} dropped" if dropped else ""
        if writer is None:
            self._report(f"recorded nothing of {simulator.name}{missing or ', no frame passed the filter'}; {reason}")
            return
        try:
            writer.close(reason, dropped=dropped)
        except OSError as error:
            logger.warning("%s is intact but could not be finished (%s); the next start does it", writer.path, error)
        self._report(f"recorded {writer.path}: {writer.frames} frames{missing}; {reason}")

    def _stream(self, simulator: Session) -> _Stream:
        with self._lock:
            if simulator not in self._streams:
                self._streams[simulator] = _Stream(FrameFilter(self._settings))
            return self._streams[simulator]

    def _limit_reached(self) -> str | None:
        settings = self._settings
        if self.bytes >= settings.max_gigabytes * GIGABYTE:
            return f"the limit of {settings.max_gigabytes:g} GB was reached"
        if time.monotonic() - self._disk_checked < DISK_CHECK:
            return None
        self._disk_checked = time.monotonic()
        self._folder.mkdir(parents=True, exist_ok=True)
        return lack_of_space(settings)
