"""Fog and rain in the pictures of a flight: how dense the haze is, and pictures without it.

A pixel shows J t + A (1 - t): J is the light of the thing itself, A that of the haze, and t = exp(-density * depth)
(Koschmieder, 1924). Of many pixels the darkest have hardly any J in their darkest channel (the dark channel prior of
He, Sun and Tang, 2009), so they show how the part of the haze grows with the depth. In clear air it does not grow.
"""

import math

import cv2
import numpy as np

from follower.geometry import SATURATED
from follower.restoration.sampling import sample

EDGES = np.array([10, 20, 31, 41, 51, 64, 77, 102, 128, 166, 204, 252])  # of ranges of depth, steps of the depth image
MIDDLES = (EDGES[1:] + EDGES[:-1]) / 2
DARKEST = 0.05  # fraction of the pixels of a range that has no light of its own
MIN_PIXELS = 200  # of a range, over some frames: fewer need not contain dark things
MIN_RANGES = 4
MAX_OPTICAL_DEPTH = 2.5  # beyond, too little is left to be measured
MEMORY = 6.0  # seconds in which pixels lose most of their weight
LIGHT_MEMORY = 10.0  # the same for the light of the haze
MIN_BEYOND = 20  # pixels beyond the depth image's range, which show the light of the haze
MIN_LIGHT = 40.0  # of the darkest channel: in the dark, lamps are brighter than the haze
MIN_DENSITY = 0.003  # per step: what is at the far end of the depth image still has half of its contrast
MIN_TRANSMISSION = 0.1  # that is compensated for: with less, noise would be all that one sees
HOLE = 7  # pixels: larger holes of the depth image stay as they are


class Haze:
    """The haze of one flight."""

    def __init__(self) -> None:
        self.density = 0.0  # per step of the depth image; 0 in clear air
        self._counts = np.zeros((len(MIDDLES), SATURATED + 1))  # pixels of each range by their darkest channel
        self._light: np.ndarray | None = None  # (3,) colour of the haze, 0..255

    def observe(self, picture: np.ndarray, depth_image: np.ndarray, seconds: float) -> None:
        """Learn from a picture, (height, width, 3) uint8 RGB, with its depth, (height, width) uint8.

        `seconds` have passed since the last one.
        """
        colours = sample(picture).reshape(-1, 3)
        depths = sample(_as_large_as(depth_image, picture)).reshape(-1)
        self._counts *= math.exp(-seconds / MEMORY)
        ranges = np.digitize(depths, EDGES) - 1
        known = (ranges >= 0) & (ranges < len(MIDDLES))
        np.add.at(self._counts, (ranges[known], colours[known].min(axis=1)), 1)
        beyond = colours[depths == SATURATED]
        if len(beyond) >= MIN_BEYOND:
            light = np.median(beyond, axis=0)
            gain = 1.0 if self._light is None else 1 - math.exp(-seconds / LIGHT_MEMORY)
            self._light = light if self._light is None else self._light + gain * (light - self._light)
        self._measure()

    def remove(self, picture: np.ndarray, depth_image: np.ndarray) -> np.ndarray:
        """Return the picture without haze; unchanged if the air is clear."""
        if not self.density or self._light is None:
            return picture
        depth = _as_large_as(depth_image, picture)
        filled = np.where(depth == 0, cv2.dilate(depth, np.ones((HOLE, HOLE), np.uint8)), depth)
        steps = np.arange(SATURATED + 1)
        amplification = 1 / np.maximum(np.exp(-self.density * steps), MIN_TRANSMISSION)
        amplification[SATURATED] = 1.0  # the sky, and what is too far away to be seen
        light = self._light.astype(np.float32)
        restored = (picture - light) * amplification.astype(np.float32)[filled][..., None] + light
        return np.asarray(np.clip(restored, 0, 255), np.uint8)

    def _measure(self) -> None:
        """Update the density, if enough has been seen at different depths."""
        if self._light is None:
            return
        if self._light.min() < MIN_LIGHT:
            self.density = 0.0
            return
        pixels = self._counts.sum(axis=1)
        fractions = self._counts.cumsum(axis=1) / np.maximum(pixels, 1)[:, None]
        darkest = (fractions < DARKEST).sum(axis=1)
        optical_depths = -np.log(np.clip(1 - darkest / self._light.min(), math.exp(-2 * MAX_OPTICAL_DEPTH), 1))
        known = (pixels >= MIN_PIXELS) & (optical_depths < MAX_OPTICAL_DEPTH)
        if known.sum() < MIN_RANGES:
            return
        first, second = np.triu_indices(int(known.sum()), 1)
        depths, optical_depths = MIDDLES[known], optical_depths[known]
        slopes = (optical_depths[second] - optical_depths[first]) / (depths[second] - depths[first])
        # Haze grows between nearly all depths; a bright wall behind a dark street, between some.
        self.density = float(np.median(slopes)) if np.percentile(slopes, 25) > MIN_DENSITY else 0.0


def _as_large_as(depth_image: np.ndarray, picture: np.ndarray) -> np.ndarray:
    rows, columns = picture.shape[:2]
    if depth_image.shape == (rows, columns):
        return depth_image
    return cv2.resize(depth_image, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT)
