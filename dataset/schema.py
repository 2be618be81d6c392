"""What the labels mean: classes, sizes, visibility, label sources. The project defines them nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

CLASSES = ("background", "people", "hero")
BACKGROUND, PEOPLE, HERO = range(len(CLASSES))

REFERENCE_SIZE = 256  # height and width of QuadSim's frames; sizes in pixels are for frames of this size
REFERENCE_PIXELS = REFERENCE_SIZE**2

VISIBLE_PIXELS = 3  # a target with more pixels than this is present (ground truth) or detected (prediction)

LabelSource = Literal["simulator", "person", "model"]  # ground truth, twice; pseudo-labels of the network that flew


@dataclass(frozen=True)
class Interval:
    """A named interval, `low` included, `high` excluded."""

    name: str
    low: float
    high: float

    def contains(self, value: Any) -> Any:
        """Return whether a number is inside; for an array or a tensor, elementwise."""
        return (value >= self.low) & (value < self.high)


# Target size in pixels at the reference size, a proxy for distance.
SIZE_BANDS = (
    Interval("under 15 px", VISIBLE_PIXELS + 0.5, 15),
    Interval("15-50 px", 15, 50),
    Interval("50-400 px", 50, 400),
    Interval("over 400 px", 400, float("inf")),
)
FAR_PIXELS = 50  # a target with fewer pixels is far away


def at_reference_size(pixels: Any, shape: Sequence[int]) -> Any:
    """Return a pixel count of an image (height, width, ...) scaled to the reference size."""
    return pixels * REFERENCE_PIXELS / (shape[0] * shape[1])
