"""Which frames are worth keeping: each n-th, or only far, uncertain, found-and-lost ones. Reads and writes nothing."""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from dataset.schema import HERO, REFERENCE_PIXELS
from sim_bridge.processed_frame import ProcessedFrame
from sim_bridge.recorder.settings import RecordingSettings

Item = TypeVar("Item")


@dataclass(frozen=True)
class Traits:
    """What a frame may be wanted for."""

    far: bool
    uncertain: bool
    moment: bool  # found or lost just now
    marked: bool = False  # a person asked for it; kept whatever the filters


def traits_of(labels: np.ndarray, processed: ProcessedFrame, settings: RecordingSettings) -> Traits:
    """Judge one frame.

    Args:
        labels: (height, width) uint8 classes, the truth where there is one: what is far and missed is far all the same.
        processed: the frame.
    """
    decision = processed.decision
    hero = int(np.count_nonzero(labels == HERO)) * REFERENCE_PIXELS / labels.size
    away = decision.range.metres if decision.range is not None else 0.0
    if decision.detection is not None:
        uncertain = decision.detection.confidence < settings.uncertain_below
    else:
        uncertain = float(processed.probabilities[..., HERO].max()) > 1 - settings.uncertain_below
    return Traits(
        far=0 < hero < settings.far_pixels or away > settings.far_metres, uncertain=uncertain, moment=decision.changed
    )


class Selection(Generic[Item]):
    """Chooses from the frames of one run as they come. Holds back those that a moment to come may make wanted."""

    def __init__(self, settings: RecordingSettings):
        self._settings = settings
        self._wanted = 0
        self._before: deque[Item] = deque(maxlen=settings.frames_around)
        self._after = 0  # so many frames are still wanted for the last moment

    def choose(self, item: Item, traits: Traits) -> list[Item]:
        """The frames to keep now that `item` has come, oldest first: itself, others held back, or none."""
        kept = self._settings.filter
        wanted = not kept or ("far" in kept and traits.far) or ("uncertain" in kept and traits.uncertain)
        wanted = wanted or traits.marked
        chosen = []
        if "events" in kept:
            if traits.moment or traits.marked:
                chosen += self._before
                self._before.clear()
                self._after = self._settings.frames_around + 1
            wanted = wanted or self._after > 0
            self._after = max(self._after - 1, 0)
            if not wanted:
                self._before.append(item)
        if wanted:
            chosen.append(item)
        return [each for each in chosen if self._is_nth() or (each is item and traits.marked)]

    def _is_nth(self) -> bool:
        self._wanted += 1
        return (self._wanted - 1) % self._settings.stride == 0
