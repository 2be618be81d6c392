"""Criteria of a promotion, and changes by which they are met. Light to import, for command lines and the dashboard."""

from dataclasses import dataclass
from typing import Literal

from dataset.schema import FAR_PIXELS, SIZE_BANDS, Interval

MIN_FRAMES = 20  # a group of fewer frames decides nothing

Criterion = Literal["all", "far", "near", "false-positives"]
Figure = Literal["hero IoU", "recall", "people IoU", "false-positive rate"]

# Groups of frames by the target's pixels at the reference size.
_PRESENT = SIZE_BANDS[0].low
ALL, FAR, NEAR = TARGETS = (
    Interval("all targets", _PRESENT, float("inf")),
    Interval("far targets", _PRESENT, FAR_PIXELS),
    Interval("near targets", FAR_PIXELS, float("inf")),
)
NEGATIVE = Interval("negative frames", 0, _PRESENT)

CRITERIA: dict[Criterion, tuple[Figure, Interval]] = {
    "all": ("hero IoU", ALL),
    "far": ("hero IoU", FAR),
    "near": ("hero IoU", NEAR),
    "false-positives": ("false-positive rate", NEGATIVE),
}


@dataclass(frozen=True)
class Change:
    """A figure of a group of frames, before and after. Higher is better, except for the false-positive rate."""

    figure: Figure
    group: str
    frames: int
    before: float
    after: float

    @property
    def gain(self) -> float:
        """How much better it became; negative when it became worse."""
        return self.before - self.after if self.figure == "false-positive rate" else self.after - self.before
