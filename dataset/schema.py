"""What the labels mean: classes, sizes, visibility, label sources. The project defines them nowhere else."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

CLASSES = ("background", "people", "hero")
BACKGROUND, PEOPLE, HERO = range(len(CLASSES))
IGNORED = 255  # label of a pixel that counts neither in the loss nor in any figure
MAX_CLASSES = 250

REFERENCE_SIZE = 256  # height and width of QuadSim's frames; sizes in pixels are for frames of this size
REFERENCE_PIXELS = REFERENCE_SIZE**2

VISIBLE_PIXELS = 3  # a target with more pixels than this is present (ground truth) or detected (prediction)

# Who labelled a frame. Ground truth is what the simulator sent or a person has looked at. "propagated" are labels that
# the program made from a person's of an earlier frame, and "model" a network's: pseudo-labels, both.
LabelSource = Literal["simulator", "person", "propagated", "model"]
GROUND_TRUTH: frozenset[LabelSource] = frozenset(("simulator", "person"))


@dataclass(frozen=True)
class Classes:
    """The classes of a dataset or a network, in the order of labels and of a network's outputs.

    Two are equal if names, order and target are; colours are only for masks and pictures that are written.
    """

    names: tuple[str, ...] = CLASSES
    target: int | None = HERO  # the class that is followed; None if none is
    colours: tuple[int, ...] = field(default=(0xFF0000, 0x00FF00, 0x0000FF), compare=False)  # 0xRRGGBB

    def __post_init__(self) -> None:
        """Raise ValueError for values that do not fit together."""
        if not 2 <= len(self.names) <= MAX_CLASSES or len(set(self.names)) < len(self.names):
            raise ValueError(f"expected 2 to {MAX_CLASSES} classes of different names, got {', '.join(self.names)}")
        if len(self.colours) != len(self.names):
            raise ValueError(f"expected a colour for each of {len(self.names)} classes, got {len(self.colours)}")
        if self.target is not None and not 0 <= self.target < len(self.names):
            raise ValueError(f"expected a target among {len(self.names)} classes, got number {self.target}")

    def __len__(self) -> int:
        return len(self.names)

    def __str__(self) -> str:
        """Return such as "road, car, sky (target: car)"."""
        return f"{', '.join(self.names)} ({f'target: {self.target_name}' if self.target_name else 'no target'})"

    @property
    def target_name(self) -> str | None:
        """Name of the target's class."""
        return None if self.target is None else self.names[self.target]


DEFAULT_CLASSES = Classes()


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


def rgb(colour: int) -> tuple[int, int, int]:
    """Return the channels of a colour 0xRRGGBB."""
    return colour >> 16, colour >> 8 & 255, colour & 255


def is_visible(pixels: Any) -> Any:
    """Return whether a target of this many pixels counts as present (ground truth) or detected (prediction)."""
    return pixels > VISIBLE_PIXELS


def at_reference_size(pixels: Any, shape: Sequence[int]) -> Any:
    """Return a pixel count of an image (height, width, ...) scaled to the reference size."""
    return pixels * REFERENCE_PIXELS / (shape[0] * shape[1])
