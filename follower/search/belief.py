"""Where a target that is not in view may be: a grid of probabilities, as in Bayesian search (Bourgault et al. 2003)."""

import cv2
import numpy as np

from follower.geometry import Camera, rescale_pixel
from follower.types import Extent

CELL = 3.0  # metres, side of a square
HALF_SIDE = 90.0  # metres from the middle of the grid to its edges
NEARBY = 10.0  # metres from where it is expected, in which the probability falls to 1/e
DIFFUSION = 8.0  # square metres a second: after 20 s, a person who walks about is some 13 m away
MAX_PAUSE = 30.0  # seconds without a look, after which more change nothing
SIGHT = 22.0  # metres, from which a network sees the target
MISSED = 0.5  # probability that a look at the target misses it
# Metres: what is nearer than that, but hidden, may be inside of something, where nobody walks,
HIDDEN_SIGHT = 20.0
HIDDEN = 0.6  # and has this much of the room with each look,
LEAST_ROOM = 0.02  # but never less, and all of it as soon as it is seen to be open ground
BODY_MIDDLE = 1.0  # metres above the ground
SAMPLES = 24  # rows and columns of a depth image by which the ground is found
LOWEST = 5.0  # percentile of their heights, which is the ground's


class Belief:
    """Probabilities of squares around the place where the target is expected. The ground is flat.

    Each square has room for people, from 0 to 1: nobody is inside of buildings, or outside of the extent.
    """

    def __init__(self, middle: np.ndarray, extent: Extent | None = None) -> None:
        """Expect the target near `middle`, (2,) metres, or in the part of the `extent` that is nearest to it."""
        steps = np.arange(-HALF_SIDE + CELL / 2, HALF_SIDE, CELL)
        offsets = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1)
        self.places = _middle_of_grid(middle, extent) + offsets  # (n, n, 2) metres, middles of the squares
        self.ground_height: float | None = None  # metres; None: not seen yet
        self._depth_far = 0.0  # metres, of the camera by which it was seen
        self._possible = self._within(extent)
        self._room = self._possible.astype(float)
        self._open = np.zeros_like(self._possible)  # what was seen to be open ground
        distances = np.linalg.norm(self.places - middle, axis=-1)
        self._probabilities = self._room * np.exp((distances.min() - distances) / NEARBY)
        self._probabilities /= self._probabilities.sum()

    def look(self, seconds: float, camera: Camera, depth_image: np.ndarray) -> None:
        """Take account of a picture without the target; `depth_image` (height, width), `seconds` since the last look.

        The target has walked on meanwhile, and is unlikely to be where the picture shows open ground.
        """
        self._spread(max(np.sqrt(DIFFUSION * min(seconds, MAX_PAUSE)) / CELL, 0.1))
        self._find_ground(camera, depth_image)
        distances = np.linalg.norm(self.places - camera.position[:2], axis=-1)
        near = self._possible & (distances < SIGHT)
        if self.ground_height is None or not near.any():
            return
        places = self.places[near]
        heights = np.full((len(places), 1), self.ground_height + BODY_MIDDLE)
        seen, hidden = camera.visibility(np.hstack([places, heights]), depth_image)
        inside = hidden & (distances[near] < HIDDEN_SIGHT)
        self._open[near] |= seen
        before = self._room[near]
        room = np.where(inside, np.maximum(HIDDEN * before, LEAST_ROOM), before)
        self._room[near] = np.where(self._open[near], 1.0, room)
        self._probabilities[near] *= np.where(seen, MISSED, np.minimum(self._room[near] / before, 1.0))
        self._probabilities /= self._probabilities.sum()

    def near_each_place(self, distance: float) -> np.ndarray:
        """Return for each square how likely the target is within some `distance` of it, metres: (n, n), relative."""
        return np.asarray(cv2.GaussianBlur(self._probabilities, (0, 0), distance / CELL))

    def _spread(self, squares: float) -> None:
        """Let the target walk by some `squares`, standard deviation; where there is little room, it turns back."""
        there = np.maximum(cv2.GaussianBlur(self._room, (0, 0), squares), 1e-3)  # 0 only outside
        self._probabilities = self._room * cv2.GaussianBlur(self._probabilities / there, (0, 0), squares)

    def _within(self, extent: Extent | None) -> np.ndarray:
        """Return which squares are in the extent, (n, n) bool; all are, without one, or if none is."""
        least, greatest = (-np.inf, np.inf) if extent is None else (extent[:2], extent[2:])
        within = np.all((self.places >= least) & (self.places <= greatest), axis=-1)
        return np.asarray(within if within.any() else np.ones_like(within))

    def _find_ground(self, camera: Camera, depth_image: np.ndarray) -> None:
        rows, columns = (np.linspace(0, size - 1, min(SAMPLES, size)).astype(int) for size in depth_image.shape)
        depths = camera.depth_metres(depth_image[np.ix_(rows, columns)])
        pixels = rescale_pixel(np.meshgrid(rows, columns, indexing="ij"), depth_image.shape, camera.image_size)
        heights = camera.world_from_pixel(np.stack(pixels, axis=-1), depths)[..., 2]
        heights = heights[depths < SIGHT]  # leaves out unknown depths (NaN), too
        if not len(heights):
            return
        height = float(np.percentile(heights, LOWEST))
        if self.ground_height is None or camera.depth_far != self._depth_far:
            self.ground_height, self._depth_far = height, camera.depth_far
            self._room, self._open = self._possible.astype(float), np.zeros_like(self._possible)
        self.ground_height = min(self.ground_height, height)


def _middle_of_grid(middle: np.ndarray, extent: Extent | None) -> np.ndarray:
    """Return the place nearest to `middle` around which the grid shows the most of the extent, (2,) metres."""
    if extent is None:
        return middle
    least, greatest = np.array(extent[:2]), np.array(extent[2:])
    half = (least + greatest) / 2
    return np.asarray(np.clip(middle, np.minimum(least + HALF_SIDE, half), np.maximum(greatest - HALF_SIDE, half)))
