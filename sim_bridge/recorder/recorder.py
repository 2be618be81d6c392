"""Record what the bridge processes: take frames from its thread at once, and write them on a thread of its own.

Delays nothing and is never fatal: frames that the disk cannot take in time are dropped from the recording and counted.
"""

import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from dataset.recordings.layout import is_recording_name
from sim_bridge.events import ProcessedFrame, Subscriber
from sim_bridge.rate_limit import RateLimitedLogger
from sim_bridge.recorder.destination import DestinationError, check_destination
from sim_bridge.recorder.encode import QueuedFrame
from sim_bridge.recorder.recording_session import RecordingSession, Totals
from sim_bridge.session import FOLLOWER_ENDED, Session
from sim_bridge.settings import Reason, RecordingSettings

logger = logging.getLogger(__name__)

IDLE = 0.5  # seconds


class Recorder(Subscriber):
    """Records while started. Public methods may be called from any thread. Use as a context manager, or `close`."""

    def __init__(
        self,
        settings: RecordingSettings,
        origin: Mapping[str, object] | None = None,
        report: Callable[[str], object] = logger.info,
    ):
        """Start the recorder's thread, and a recording if `settings.enabled`. Raises as `start`.

        `origin` is plain data for `meta.json`; `report` takes a message for the user when a recording begins or ends.
        """
        self.settings = settings
        self._report = report
        self._origin = origin or {}
        self._session: RecordingSession | None = None
        self._totals = Totals()
        self._received: Counter[Session] = Counter()  # frames of each simulator
        self._notes: dict[Session, str] = {}  # to record with the next frame of each simulator
        self._queue: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()  # work for the thread
        self._frames_waiting = 0
        self._lock = threading.RLock()  # guards the session, the notes and the count of frames
        self._limited_log = RateLimitedLogger(logger)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()
        if settings.enabled:
            self.start(settings.name)

    @property
    def recording(self) -> bool:
        """Whether frames are being recorded now."""
        return self._session is not None

    def status(self) -> dict[str, Any]:
        """Return the state for pages: the current recording, and frames written and dropped since the start."""
        session = self._session
        return {
            "recording": session is not None,
            "name": session.name if session else None,
            "frames": self._totals.written,
            "dropped": dict(self._totals.dropped),
            "megabytes": round(session.bytes / 1e6, 1) if session else 0.0,
        }

    def start(self, name: str = "", filter: tuple[Reason, ...] | None = None) -> str:
        """Begin to record, unless already recording; return the recording's name.

        A number is added to a name that is taken; an empty one becomes date and time. `filter` replaces the setting.
        Raises ValueError for another name, and DestinationError where nothing can be written.
        """
        if name and not is_recording_name(name):
            raise ValueError(f"a recording's name has letters, digits, '_', '-' and '.', got {name!r}")
        settings = self.settings if filter is None else replace(self.settings, filter=filter)
        if not self.recording:
            check_destination(settings)
        name = name or datetime.now().strftime("%Y-%m-%d_%H-%M-%S")
        with self._lock:
            if self._session is not None:
                return self._session.name
            session = self._session = RecordingSession(settings, name, self._totals, self._report)
        self._report(f"recording to {Path(settings.folder) / session.name}")
        return session.name

    def mark(self, note: str) -> None:
        """Keep the next frame of every simulator regardless of the filter, with a note; nothing while not recording."""
        with self._lock:
            if self._session is not None:
                self._notes = dict.fromkeys(list(self._received), note)

    def stop(self, reason: str = "stopped", then: Callable[[list[str]], object] = lambda names: None) -> None:
        """End the recording, if there is one, once everything received so far is written; return at once.

        `then` is called afterwards, on the recorder's thread, with the names of the recordings; none if no frame was
        kept.
        """
        with self._lock:
            session, self._session = self._session, None
            self._notes = {}
            if session is not None:
                self._queue.put(lambda: session.finish(reason))
                self._queue.put(lambda: then(session.recordings))

    def toggle(self) -> None:
        """Start, with the name of the settings, or stop; report it where nothing can be written."""
        if self.recording:
            self.stop()
            return
        try:
            self.start(self.settings.name)
        except DestinationError as error:
            self._report(str(error))

    def close(self) -> None:
        """Stop, and wait at most ten seconds until all frames are written."""
        self.stop(FOLLOWER_ENDED)
        self._queue.put(None)
        self._thread.join(10.0)
        if self._thread.is_alive():
            logger.warning("the disk is too slow: %d frames were not written", self._frames_waiting)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """Queue a frame, if there is room for it."""
        number = self._received[session]
        self._received[session] += 1
        with self._lock:
            recording = self._session
            if recording is None:
                return
            if self._frames_waiting >= self.settings.queue_frames:
                recording.drop(session, "the disk was too slow")
                return
            self._frames_waiting += 1
            queued = QueuedFrame(session, number, time.time(), processed, self._notes.pop(session, ""))
            self._queue.put(lambda: self._write(recording, queued))

    def disconnected(self, session: Session) -> None:
        """Finish the recording of a simulator that has disconnected."""
        received = self._received.pop(session, 0)
        with self._lock:
            recording = self._session
            if recording is None:
                return
            if missed := session.counts.answered - received:
                recording.drop(session, "the recorder was too slow", missed)
            reason = session.end_reason or "the simulator disconnected"
            self._queue.put(lambda: recording.finish_simulator(session, reason))

    def model_changed(self, origin: Mapping[str, Any]) -> None:
        """Finish the recordings; frames of the new model go to further ones."""

        def change() -> None:
            if recording is not None:
                recording.finish("the model was changed")
            self._origin = origin

        with self._lock:
            recording = self._session
            self._queue.put(change)

    def _run(self) -> None:
        while True:
            try:
                work = self._queue.get(timeout=IDLE)
            except queue.Empty:
                work = self._sync
            if work is None:
                return
            try:
                work()
            except Exception as error:  # a bug in this program must not end the recording
                self._limited_log.warning("defect", "recording failed: %s", error, defect=error)

    def _write(self, recording: RecordingSession, queued: QueuedFrame) -> None:
        try:
            limit = recording.write(queued, self._origin)
        except Exception:
            recording.drop(queued.simulator, "a defect")
            raise
        finally:
            with self._lock:
                self._frames_waiting -= 1
        with self._lock:
            if limit is not None and self._session is recording:
                logger.warning("the recording ends: %s", limit)
                self.stop(limit)

    def _sync(self) -> None:
        if self._session is not None:
            self._session.sync()
