"""Select frames worth keeping: every n-th, or only far, uncertain and found-or-lost ones. Reads and writes nothing."""

from collections import deque

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


class FrameFilter:
    """Filters the frames of one recording in order. Holds back frames that a later event may select."""

    def __init__(self, settings: RecordingSettings):
        self._settings = settings
        self._wanted = 0  # frames that passed the filter so far
        self._before: deque[tuple[float, EncodedFrame]] = deque(maxlen=MAX_HELD_BACK)
        self._event: float | None = None  # time of the latest one

    def select(self, frame: EncodedFrame, time: float, given: set[Reason], marked: bool = False) -> list[EncodedFrame]:
        """Return the frames to keep after `frame` of `time` was received: itself, others held back, or none; in order.

        A frame that an operator has `marked` is kept, whatever the filter and the stride.
        """
        reasons = self._settings.filter
        wanted = marked or not reasons or bool(given.intersection(reasons))
        selected: list[EncodedFrame] = []
        if "events" in reasons:
            if "events" in given or marked:
                selected += [held for since, held in self._before if self._is_around(time, since)]
                self._before.clear()
                self._event = time
            wanted = wanted or (self._event is not None and self._is_around(time, self._event))
            if not wanted:
                self._before.append((time, frame))
        if wanted:
            selected.append(frame)
        return [each for each in selected if self._is_nth() or (each is frame and marked)]

    def _is_around(self, time: float, other: float) -> bool:
        return abs(time - other) <= self._settings.seconds_around + 1e-3  # timestamps are not exact

    def _is_nth(self) -> bool:
        self._wanted += 1
        return (self._wanted - 1) % self._settings.stride == 0
