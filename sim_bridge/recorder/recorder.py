"""Records what the bridge hears of: takes frames off the thread that tells it at once, and writes them on its own.

One run for each simulator and start: a run is one world and one track in time. Delays nothing and is never fatal: what
the disk cannot take in time is left out of the recording, counted and said.
"""

import itertools
import logging
import shutil
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from dataset.recordings.layout import is_recording_name
from dataset.recordings.writer import RecordingWriter, free_name, now
from sim_bridge.events import Subscriber
from sim_bridge.processed_frame import ProcessedFrame
from sim_bridge.rate_limit import OncePerSecond
from sim_bridge.recorder.encode import EncodedFrame, encode_frame
from sim_bridge.recorder.filter import Selection, traits_of
from sim_bridge.recorder.settings import Reason, RecordingSettings
from sim_bridge.session import Session

logger = logging.getLogger(__name__)

GIGABYTE = 1e9
DISK_PAUSE = 1.0  # seconds without a try after the disk has refused
IDLE = 0.5  # seconds
FOLLOWER_ENDED = "the follower ended"


@dataclass(eq=False)
class Take:
    """From a start to a stop: one name, one run for each simulator that flies meanwhile."""

    wanted: str  # the name, to which a number is added where it is taken
    free: str  # the name that was free at the start
    settings: RecordingSettings
    tracks: dict[Session, "_Track"] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)  # names of the folders that were made
    bytes: int = 0

    @property
    def name(self) -> str:
        """Of the first run, also before it is made."""
        return self.runs[0] if self.runs else self.free


@dataclass(eq=False)
class _Track:
    """One simulator within a take. Its run begins with the first frame that is kept, so that none is empty."""

    selection: Selection[EncodedFrame]
    writer: RecordingWriter | None = None
    started: str = field(default_factory=now)
    lost: Counter[str] = field(default_factory=Counter)  # reason -> frames that were wanted and are not there


@dataclass(frozen=True)
class _Heard:
    """A frame on its way to the disk."""

    take: Take
    session: Session
    number: int  # of the decision within the session
    received: float  # unix seconds
    processed: ProcessedFrame
    note: str = ""  # of a person who marked this moment


class Recorder(Subscriber):
    """Records while started. `start` and `stop` may be called from any thread at any time. Use as a context
    manager, or `close` at the end.

    Args:
        settings: what to record and where to.
        about: plain data for `meta.json`: the model, the settings, the versions.
        say: takes a sentence for people when a recording begins or ends.
    """

    def __init__(
        self,
        settings: RecordingSettings,
        about: Mapping[str, object] | None = None,
        say: Callable[[str], object] = logger.info,
    ):
        self.settings = settings
        self._say = say
        self._about = dict(about or {})
        self._take: Take | None = None
        self._numbers: dict[Session, itertools.count] = {}
        self._notes: dict[Session, str] = {}  # for the next frame of each simulator
        self._waiting: deque[_Heard | Callable[[], None]] = deque()
        self._frames_waiting = 0
        self._changed = threading.Condition()
        self._closing = False
        self._kept = 0
        self._lost: Counter[str] = Counter()
        self._disk_refused = -DISK_PAUSE
        self._disk_checked = -1.0
        self._complaints = OncePerSecond(logger)
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()
        if settings.enabled:
            self.start(settings.name)

    @property
    def recording(self) -> bool:
        """Whether frames are being recorded now."""
        return self._take is not None

    def status(self) -> dict:
        """Plain data for pages: whether it records, the run's name, frames kept and lost since the beginning."""
        take = self._take
        return {
            "recording": take is not None,
            "name": take.name if take else None,
            "frames": self._kept,
            "lost": dict(self._lost),
            "megabytes": round(take.bytes / 1e6, 1) if take else 0.0,
        }

    def start(self, name: str = "", filter: tuple[Reason, ...] | None = None) -> str:
        """Begin to record; returns the name of the run, which gets a number where it is taken. Raises ValueError.

        Without a name it is date and time; `filter` takes the place of the setting. Does nothing while recording.
        """
        if name and not is_recording_name(name):
            raise ValueError(f"a recording's name has letters, digits, '_', '-' and '.', got {name!r}")
        settings = self.settings if filter is None else replace(self.settings, filter=filter)
        wanted, folder = name or datetime.now().strftime("%Y-%m-%d_%H-%M-%S"), Path(self.settings.folder)
        free = free_name(folder, wanted)
        with self._changed:
            if self._take is not None:
                return self._take.name
            take = self._take = Take(wanted, free, settings)
        self._say(f"recording to {folder / take.name}")
        return take.name

    def mark(self, note: str) -> None:
        """Keep the next frame of every simulator whatever the filters, with a note; nothing while not recording."""
        with self._changed:
            if self._take is not None:
                self._notes = dict.fromkeys(list(self._numbers), note)

    def stop(self, reason: str = "stopped", then: Callable[[list[str]], object] = lambda runs: None) -> None:
        """End the recording once what was heard so far is written; returns at once.

        `then` is called when it is, on another thread, with the names of the runs; there are none where no frame was
        kept. Does nothing while not recording.
        """
        with self._changed:
            take, self._take = self._take, None
            if take is not None:
                self._waiting.append(lambda: self._finish(take, reason))
                self._waiting.append(lambda: then(take.runs))
                self._changed.notify()

    def toggle(self) -> None:
        """Start, with the name of the settings, or stop."""
        if self.recording:
            self.stop()
        else:
            self.start(self.settings.name)

    def close(self, timeout: float = 10.0) -> None:
        """Stop, and wait for what is still to be written, at most `timeout` seconds."""
        self.stop(FOLLOWER_ENDED)
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(timeout)
        if self._thread.is_alive():
            logger.warning("the disk is too slow: %d frames were not written", self._frames_waiting)

    def __enter__(self) -> "Recorder":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    # From the bridge.

    def frame_processed(self, session: Session, processed: ProcessedFrame) -> None:
        """Take a frame, if there is room for it."""
        number = next(self._numbers.setdefault(session, itertools.count()))
        with self._changed:
            take, note = self._take, self._notes.pop(session, "")
            if take is None:
                return
            if self._frames_waiting >= self.settings.queue_frames:
                self._lose(take, session, "the disk was too slow")
                return
            self._frames_waiting += 1
            self._waiting.append(_Heard(take, session, number, time.time(), processed, note))
            self._changed.notify()

    def disconnected(self, session: Session) -> None:
        """Finish the run of a simulator that has gone."""
        heard = next(self._numbers.pop(session, itertools.count()))
        with self._changed:
            take = self._take
            if take is not None:
                for _ in range(session.counts.answered - heard):
                    self._lose(take, session, "the recorder was too slow")
                reason = FOLLOWER_ENDED if session.closed_here else "the simulator disconnected"
                self._waiting.append(lambda: self._finish_track(take, session, reason))
                self._changed.notify()

    def model_changed(self, origin: Mapping) -> None:
        """What follows is another model's: it goes into another run of this take."""
        with self._changed:
            take = self._take
            self._waiting.append(lambda: self._change_model(take, origin))
            self._changed.notify()

    # On the recorder's own thread.

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._closing, IDLE)
                if not self._waiting and self._closing:
                    return
                item = self._waiting.popleft() if self._waiting else self._sync
            try:
                if isinstance(item, _Heard):
                    self._record(item)
                else:
                    item()
            except Exception as error:  # a defect of ours must not end the recording
                if isinstance(item, _Heard):
                    self._lose(item.take, item.session, "a defect")
                self._complaints.error("defect", "recording failed: %s", error, exc_info=error)
            if isinstance(item, _Heard):
                with self._changed:
                    self._frames_waiting -= 1

    def _record(self, heard: _Heard) -> None:
        take, session = heard.take, heard.session
        track = self._track(take, session)
        entry, labels = encode_frame(heard.number, heard.received, heard.processed, heard.note)
        traits = traits_of(labels, heard.processed, take.settings)
        chosen = deque(track.selection.choose(entry, replace(traits, marked=bool(heard.note))))
        if chosen and time.monotonic() - self._disk_refused >= DISK_PAUSE:
            try:
                if not self._has_room(take):
                    return
                if track.writer is None:
                    track.writer = self._begin_run(take, session, track, chosen[0], labels.shape)
                while chosen:
                    self._write(take, track.writer, chosen[0])
                    chosen.popleft()
            except OSError as error:
                self._disk_refused = time.monotonic()
                self._complaints.warning("disk", "not recorded, the flight goes on: %s", error)
        if chosen:
            self._lose(take, session, "the disk refused", len(chosen))
        self._sync()

    def _write(self, take: Take, writer: RecordingWriter, entry: EncodedFrame) -> None:
        before = writer.bytes
        writer.add(entry.record, entry.image, entry.mask, entry.depth)
        take.bytes += writer.bytes - before
        self._kept += 1

    def _has_room(self, take: Take) -> bool:
        """Whether the take may grow; ends it where not."""
        settings, moment = self.settings, time.monotonic()
        reason = None
        if take.bytes >= settings.max_gigabytes * GIGABYTE:
            reason = f"the limit of {settings.max_gigabytes:g} GB was reached"
        elif moment - self._disk_checked >= 1.0:
            self._disk_checked = moment
            Path(settings.folder).mkdir(parents=True, exist_ok=True)
            if shutil.disk_usage(settings.folder).free < settings.min_free_gigabytes * GIGABYTE:
                reason = f"the disk has less than {settings.min_free_gigabytes:g} GB left"
        if reason is None:
            return True
        with self._changed:
            if self._take is take:
                logger.warning("the recording ends: %s", reason)
                self.stop(reason)
        return False

    def _track(self, take: Take, session: Session) -> _Track:
        with self._changed:
            if session not in take.tracks:
                take.tracks[session] = _Track(Selection(take.settings))
            return take.tracks[session]

    def _begin_run(
        self, take: Take, session: Session, track: _Track, first: EncodedFrame, frame_size: tuple[int, int]
    ) -> RecordingWriter:
        simulator = {"name": session.name, "address": session.address, "connected_at": session.connected_at}
        about = {"frame_size": frame_size, "first_number": first.record.number, "started": track.started}
        meta = {**self._about, "simulator": simulator, **about}
        writer = RecordingWriter(Path(self.settings.folder), take.wanted, meta)
        take.runs.append(writer.path.name)
        return writer

    def _change_model(self, take: Take | None, origin: Mapping) -> None:
        if take is not None:
            self._finish(take, "another model flies")
        self._about = dict(origin)

    def _lose(self, take: Take, session: Session, reason: str, count: int = 1) -> None:
        with self._changed:
            self._lost[reason] += count
            self._track(take, session).lost[reason] += count
        self._complaints.warning(reason, "left out of the recording: %s", reason)

    def _sync(self) -> None:
        take = self._take
        try:
            for track in list(take.tracks.values()) if take else []:
                if track.writer is not None:
                    track.writer.sync_if_due()
        except OSError as error:
            self._complaints.warning("disk", "the disk refused: %s", error)

    def _finish(self, take: Take, reason: str) -> None:
        for session in list(take.tracks):
            self._finish_track(take, session, reason)

    def _finish_track(self, take: Take, session: Session, reason: str) -> None:
        track = take.tracks.pop(session, None)
        if track is None:
            return
        writer, lost = track.writer, dict(track.lost)
        without = f", {sum(lost.values())} left out" if lost else ""
        if writer is None:
            self._say(f"recorded nothing of {session.name}{without or ', no frame was chosen'}; {reason}")
            return
        try:
            writer.close(reason, {"lost": lost})
        except OSError as error:
            logger.warning("%s is whole, but could not be finished (%s); the next start does it", writer.path, error)
        self._say(f"recorded {writer.path}: {writer.frames} frames{without}; {reason}")
