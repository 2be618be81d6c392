"""Masks that do not belong to their image: another frame's of the same run, or with people and hero swapped."""

from dataclasses import dataclass

import cv2
import numpy as np

from dataset.schema import BACKGROUND, HERO, PEOPLE

MIN_OUTLINE = 40  # pixel sides of a mask's outlines that can be judged
MAX_STEP = 160  # of a colour, summed over the channels, so that white edges count no more than people's
OWN_AT_MOST, OTHER_AT_LEAST, BETTER = 2.0, 2.5, 2.0  # fit of an image, of another one, and their ratio
NEARBY = 3  # frames before and after
MIN_CLASS_PIXELS = 60
RED, NOT_RED, REDDER = 0.1, 0.06, 0.08  # redness of people, at least; of the hero, at most; difference, at least


@dataclass(frozen=True)
class Fit:
    """What is compared between masks and images: an image's steps between pixels, and a mask's outlines."""

    across: np.ndarray  # (height, width - 1) uint8
    down: np.ndarray  # (height - 1, width) uint8
    outline_across: np.ndarray  # indices into the flattened `across`
    outline_down: np.ndarray

    @property
    def can_be_judged(self) -> bool:
        """Whether the mask has enough of an outline."""
        return len(self.outline_across) + len(self.outline_down) >= MIN_OUTLINE

    def with_image(self, other: "Fit") -> float:
        """Return how much larger an image's steps are along this mask's outlines than elsewhere: 1 is chance."""
        if other.across.shape != self.across.shape:
            return 0.0
        along = np.concatenate(
            [other.across.reshape(-1)[self.outline_across], other.down.reshape(-1)[self.outline_down]]
        )
        return float(along.mean() / (0.5 * (other.across.mean() + other.down.mean()) + 1))


def fit_of(image: np.ndarray, labels: np.ndarray) -> Fit:
    """Return what is compared of a frame."""
    person = labels != BACKGROUND
    steps = [
        np.minimum(cv2.absdiff(one, other).sum(axis=2, dtype=np.uint16), MAX_STEP).astype(np.uint8)
        for one, other in ((image[:, 1:], image[:, :-1]), (image[1:], image[:-1]))
    ]
    outlines = [np.flatnonzero(each) for each in (person[:, 1:] != person[:, :-1], person[1:] != person[:-1])]
    return Fit(*steps, *outlines)


def fits_better(own: Fit, others: list[Fit]) -> tuple[int, float, float] | None:
    """Return which of other images fits a mask clearly better than its own, with both fits; None if none does."""
    if not own.can_be_judged or not others:
        return None
    fit = own.with_image(own)
    if fit > OWN_AT_MOST:
        return None
    fits = [own.with_image(other) for other in others]
    best = int(np.argmax(fits))
    return (best, fit, fits[best]) if fits[best] >= max(OTHER_AT_LEAST, BETTER * fit) else None


def swapped_by(image: np.ndarray, labels: np.ndarray) -> float | None:
    """Return by how much redder the people are than the hero, who wears red; below 0 if less; None if not both are big.

    Redness is the median of (red - green) / (sum + 20).
    """
    redness = []
    for label in (PEOPLE, HERO):
        pixels = image[labels == label].astype(np.float32)
        if len(pixels) < MIN_CLASS_PIXELS:
            return None
        redness.append(float(np.median((pixels[:, 0] - pixels[:, 1]) / (pixels.sum(axis=1) + 20))))
    people, hero = redness
    return people - hero if people >= RED and hero <= NOT_RED else min(people - hero, 0.0)
