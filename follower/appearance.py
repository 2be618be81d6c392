"""What the target looks like: remembered while it is certain, and compared before anybody is followed after a loss."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dataset.schema import REFERENCE_PIXELS
from follower.evidence.silhouettes import Silhouette
from follower.geometry import part_at_centres

PARTS = (0.0, 0.2, 0.55, 1.0)  # edges of head, upper and lower body, in fractions of a silhouette's height
MIN_PIXELS = 60  # of a 256x256 image, in a silhouette; fewer have hardly a colour of their own
DETAILED_PIXELS = 300  # of a silhouette worth remembering
DARK = 8.0  # added to each channel: the colour of nearly black pixels is noise
LIGHT_NORM = 6  # of Minkowski, by which a picture's bright parts count more
MAX_TINT = 0.7  # of ln(R / G) and ln(B / G): what is more colourful is no light on something grey, but a lawn
MIN_GREY = 0.02  # of a picture: with less that may be grey, the light is taken to be white
OTHERS = 0.8  # typical difference of a part of different people whom networks confuse
# Difference of the same person's, at 100 % and per root of a pixel: small silhouettes contain some of the background.
SAME, SAME_PER_ROOT = 0.1, 5.0
# Log-odds of one part in one frame: it may be covered. No part counts in favour: look-alikes wear the same colours.
MOST_AGAINST = 2.5
TIME_CONSTANT = 4.0  # seconds in which the memory adapts to another side of the person, or another light
HALF_LIFE = 20.0  # seconds in which it loses half of its weight: the light changes, and so does the target


@dataclass(frozen=True)
class Appearance:
    """One view of a person: for each of PARTS, ln(R / G) and ln(B / G) relative to those of the light.

    Brightness cancels in the ratios. The light's colour is estimated by shades of gray (Finlayson and Trezzi, 2004).
    """

    colours: np.ndarray  # (parts, 2)
    pixels: float  # of a 256x256 image


def appearance(image: np.ndarray, person: Silhouette, size: tuple[int, int]) -> Appearance | None:
    """Return what a person looks like in a picture, (height, width, 3) uint8 RGB.

    `size` is that of the network's output, (rows, columns). None if the person is too small, or cut off by the
    upper or lower edge of the picture: which parts are visible is unknown then.
    """
    rows, columns, mask = person
    if (rows.start == 0 and mask[0].any()) or (rows.stop >= size[0] and mask[-1].any()):
        return None
    pixels = float(np.count_nonzero(mask)) * REFERENCE_PIXELS / (size[0] * size[1])
    if pixels < MIN_PIXELS:
        return None
    colours = part_at_centres(image, rows, columns, size)
    light = _light(image[::8, ::8].reshape(-1, 3))
    in_rows = np.flatnonzero(mask.any(axis=1))
    edges = in_rows[0] + np.round(np.array(PARTS) * (in_rows[-1] + 1 - in_rows[0])).astype(int)
    parts = [(mask[begin:end], colours[begin:end]) for begin, end in pairwise(edges.tolist())]
    if not all(part.any() for part, _ in parts):
        return None
    return Appearance(np.array([_chromaticity(seen[part].mean(axis=0)) - light for part, seen in parts]), pixels)


class AppearanceMemory:
    """What a target looked like when it was certain.

    `doubted`: who is followed may be somebody else, and is to be compared until a view is remembered again.
    """

    def __init__(self) -> None:
        self.doubted = False
        self._colours: np.ndarray | None = None
        self._seen = 0.0  # time of the newest view, seconds

    def forget(self) -> None:
        """Forget the target: it was somebody else."""
        self._colours, self.doubted = None, False

    def doubt(self) -> None:
        """Compare whoever is seen from now on, if anything is remembered."""
        self.doubted = self._colours is not None

    def add(self, seen: Appearance | None, time: float, seconds: float) -> None:
        """Remember a certain and detailed view, in a frame of `time` that stands for some `seconds`.

        A doubted one is not remembered if more than one part differs.
        """
        if seen is None or seen.pixels < DETAILED_PIXELS:
            return
        if self.doubted and self.log_odds(seen, time) < -MOST_AGAINST:
            return
        self.doubted = False
        if self._colours is None:
            self._colours = seen.colours
        gain = 1 - math.exp(-seconds / TIME_CONSTANT)
        self._colours, self._seen = self._colours + gain * (seen.colours - self._colours), time

    def log_odds(self, seen: Appearance | None, time: float) -> float:
        """Return the log-odds, at most 0, that a person seen at `time` is the one remembered; 0 without a comparison.

        They fade with the time since the target was last certain.
        """
        if self._colours is None or seen is None:
            return 0.0
        squared = np.square(seen.colours - self._colours).sum(axis=1)
        same = SAME + SAME_PER_ROOT / math.sqrt(seen.pixels)
        odds = 2 * math.log(OTHERS / same) - squared / 2 * (same**-2 - OTHERS**-2)
        weight = 0.5 ** (max(0.0, time - self._seen) / HALF_LIFE)
        return float(weight * np.clip(odds, -MOST_AGAINST, 0.0).sum())


def _light(colours: np.ndarray) -> np.ndarray:
    """Return the chromaticity (2,) of the light on colours (n, 3), estimated from those that may be grey."""
    tints = _chromaticity(colours)
    grey = colours[np.abs(tints).max(axis=-1) < MAX_TINT].astype(float)
    if len(grey) < MIN_GREY * len(colours):
        return np.zeros(2)
    return _chromaticity(np.mean(grey**LIGHT_NORM, axis=0) ** (1 / LIGHT_NORM))


def _chromaticity(colours: np.ndarray) -> np.ndarray:
    """Return ln(R / G) and ln(B / G) of colours (..., 3), as (..., 2)."""
    logarithms = np.log(colours + DARK)
    return np.asarray(logarithms[..., [0, 2]] - logarithms[..., [1]])
