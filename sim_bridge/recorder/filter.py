"""Select frames worth keeping: every n-th, or only far, uncertain and found-or-lost ones. Reads and writes nothing."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from dataset.schema import HERO, at_reference_size
from sim_bridge.events import ProcessedFrame
from sim_bridge.recorder.encode import EncodedFrame
from sim_bridge.settings import Reason, RecordingSettings


def reasons_to_keep(labels: np.ndarray, processed: ProcessedFrame, settings: RecordingSettings) -> set[Reason]:
    """Return the reasons for which a frame could be kept, whether the settings select them or not.

    `labels` (height, width) are the ground truth if available, so that a far target counts even if it is missed.
    """
    decision = processed.decision
    target_pixels = at_reference_size(int(np.count_nonzero(labels == HERO)), labels.shape)
    metres = decision.range.metres if decision.range is not None else 0.0
    if decision.detection is not None:
        uncertain = decision.detection.confidence < settings.uncertain_below
    else:
        uncertain = float(processed.probabilities[..., HERO].max()) > 1 - settings.uncertain_below
    far = 0 < target_pixels < settings.far_pixels or metres > settings.far_metres
    given: dict[Reason, bool] = {"far": far, "uncertain": uncertain, "events": decision.changed}
    return {reason for reason, holds in given.items() if holds}


MAX_HELD_BACK = 600  # frames, 20 seconds at 30 frames per second: they wait in memory


class _Held(NamedTuple):
    frame: EncodedFrame
    time: float
    wanted: bool
    marked: bool


class FrameFilter:
    """Filters the frames of one recording in order.

    With "events" it holds frames back as long as a later event may select them, and those after them.
    """

    def __init__(self, settings: RecordingSettings):
        self._settings = settings
        self._wanted = 0  # frames that passed the filter so far
        self._held: deque[_Held] = deque()
        self._event: float | None = None  # time of the latest one

    def select(self, frame: EncodedFrame, time: float, given: set[Reason], marked: bool = False) -> list[EncodedFrame]:
        """Return the frames to keep after `frame` of `time` was received: itself, others held back, or none; in order.

        A frame that an operator has `marked` is kept, whatever the filter and the stride.
        """
        reasons = self._settings.filter
        wanted = marked or not reasons or bool(given.intersection(reasons))
        if "events" in reasons:
            if "events" in given or marked:
                self._event = time
                self._held = deque(
                    each._replace(wanted=each.wanted or self._is_around(time, each.time)) for each in self._held
                )
            wanted = wanted or (self._event is not None and self._is_around(time, self._event))
        self._held.append(_Held(frame, time, wanted, marked))
        return self._release(lambda oldest: oldest.wanted or not self._may_be_selected(oldest, time))

    def flush(self) -> list[EncodedFrame]:
        """Return the frames to keep of those that are still held back, since no event comes any more."""
        return self._release(lambda oldest: True)

    def _release(self, is_decided: Callable[[_Held], bool]) -> list[EncodedFrame]:
        selected = []
        while self._held and (is_decided(self._held[0]) or len(self._held) > MAX_HELD_BACK):
            oldest = self._held.popleft()
            if oldest.wanted and (self._is_nth() or oldest.marked):
                selected.append(oldest.frame)
        return selected

    def _may_be_selected(self, held: _Held, time: float) -> bool:
        return "events" in self._settings.filter and self._is_around(time, held.time)

    def _is_around(self, time: float, other: float) -> bool:
        return abs(time - other) <= self._settings.seconds_around + 1e-3  # timestamps are not exact

    def _is_nth(self) -> bool:
        self._wanted += 1
        return (self._wanted - 1) % self._settings.stride == 0
