"""Recent past of one simulator: its newest frame, and rows for the timelines."""

import functools
import zlib
from collections import deque
from dataclasses import dataclass

import cv2

from follower.types import TargetState
from sim_bridge.events import ProcessedFrame
from sim_bridge.session import Session

ROW_SECONDS = 0.095  # frames that arrive closer together share a row; a little less than 10 Hz, for jitter
MAX_ROWS = 1200  # two minutes at 10 Hz


@dataclass(frozen=True)
class NewestFrame:
    """The latest frame of a simulator; `number` counts its frames from 0."""

    number: int
    received: float  # unix seconds
    processed: ProcessedFrame

    @functools.cached_property
    def classes(self) -> bytes:
        """zlib of two planes (people, hero) of rows x columns bytes, 255 = certain; made once for all viewers."""
        levels = cv2.convertScaleAbs(self.processed.probabilities, alpha=255)  # rounds, and saturates at 255
        return zlib.compress(b"".join(cv2.extractChannel(levels, plane).tobytes() for plane in (1, 2)), 1)


@dataclass(frozen=True)
class Row:
    """A point of the timelines: one frame, or the last of several within `ROW_SECONDS`."""

    number: int  # counts the rows of a simulator from 0
    time: float  # unix seconds
    frames: int  # number that it stands for
    latency: float  # milliseconds, the longest of these frames
    skipped: int  # frames skipped since the previous row
    state: str
    area: float | None  # pixels of the target; None: not seen
    range: float | None  # metres
    camera: tuple[float, float]  # x, y, metres
    track: tuple[float, float] | None
    ground_truth: tuple[float, float] | None


class SimulatorHistory:
    """History of one simulator that the live page shows."""

    def __init__(self, session: Session, now: float):
        self.session = session
        self.newest: NewestFrame | None = None
        self.state = TargetState.SEARCHING
        self.since = now  # unix seconds, when `state` began
        self.rows: deque[Row] = deque(maxlen=MAX_ROWS)
        self._latencies: list[float] = []  # milliseconds, of the frames since the last row
        self._skipped = 0  # frames, when the last row was made

    def add(self, processed: ProcessedFrame, now: float) -> bool:
        """Keep a frame; return whether the state has changed."""
        number = 0 if self.newest is None else self.newest.number + 1
        self.newest = NewestFrame(number, now, processed)
        self._latencies.append(processed.timings["total"])
        if not self.rows or now - self.rows[-1].time >= ROW_SECONDS:
            self._add_row(processed, now)
        changed = self.state is not processed.decision.state
        if changed:
            self.state, self.since = processed.decision.state, now
        return changed

    def _add_row(self, processed: ProcessedFrame, now: float) -> None:
        frame, decision = processed.frame, processed.decision
        truth, skipped = frame.ground_truth_target, self.session.counts.skipped
        row = Row(
            number=self.rows[-1].number + 1 if self.rows else 0,
            time=now,
            frames=len(self._latencies),
            latency=max(self._latencies),
            skipped=skipped - self._skipped,
            state=decision.state.value,
            area=None if decision.detection is None else decision.detection.area,
            range=None if decision.range is None else decision.range.metres,
            camera=(frame.gimbal_pose.x, frame.gimbal_pose.y),
            track=None if decision.track_point is None else decision.track_point[:2],
            ground_truth=None if truth is None else truth[:2],
        )
        self.rows.append(row)
        self._latencies, self._skipped = [], skipped
