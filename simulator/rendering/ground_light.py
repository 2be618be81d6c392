"""Light that reaches the ground, on a square grid over the city: shadows of the sun, pools of light of the lamps."""

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.types import Box, FloatArray
from simulator.world.city import VISIBLE_HALF_SIDE, City, Light

HALF_SIDE = VISIBLE_HALF_SIDE + 1.0  # m, half the side of the grid
CELLS = 1024  # along each side
EDGE_BLUR = 1.0  # cells
FOLIAGE_OPACITY = {"crown": 0.75, "bush": 0.85}  # all other kinds of boxes are opaque
LAMP_COLOR = (1.0, 0.80, 0.52)
LAMP_STRENGTH = 0.85  # below a lamp
LAMP_REACH = 18.0  # m
WET, PUDDLE = 0.72, 1.2  # brightness of wet ground, and of puddles, which mirror the sky
PUDDLE_GRAIN, PUDDLE_FRACTION = 9, 1.0  # cells; deviations of the noise above which there is a puddle


class GroundLight:
    """Fraction of the sun, 0..1, and light of the lamps that reach the ground. Rows: y, columns: x."""

    def __init__(self, city: City):
        self.sunlit = _shadows(city)
        lamps = [box for box in city.boxes if box.kind == "lamp"] if city.light.lamps else []
        self._lamps = _pools(lamps) if lamps else np.zeros((1, 1), np.float32)
        self._gloss = _gloss(city.seed) if city.light.rain else np.ones((1, 1), np.float32)

    def strength(self, light: Light) -> FloatArray:
        """Return the brightness of the ground in each colour, (CELLS, CELLS, 3)."""
        ambient = light.ambient * np.array(light.sky_color)
        sun = light.sun * light.direction[2] * self.sunlit[..., None] * np.array(light.sun_color)
        return (ambient + sun + self._lamps[..., None] * np.array(LAMP_COLOR)) * self._gloss[..., None]

    def sunlit_fraction(self, points: FloatArray) -> FloatArray:
        """Return the fraction of the sun at world x, y (n, 2): (n,) 0..1."""
        columns, rows = _nearest_cells(points)
        return np.asarray(self.sunlit[rows, columns], float)

    def lamplight(self, points: FloatArray) -> FloatArray:
        """Return the light of the lamps at world x, y (n, 2) in each colour: (n, 3)."""
        columns, rows = _nearest_cells(points) * (len(self._lamps) > 1)
        return self._lamps[rows, columns][:, None] * np.array(LAMP_COLOR)


def _shadows(city: City) -> NDArray[np.float32]:
    grid = np.ones((CELLS, CELLS), np.float32)
    sun = city.light.direction
    for box in city.boxes:
        corners = box.outline()
        projected = [corners - sun[:2] / sun[2] * z for z in (box.bottom, box.top)]
        hull = cv2.convexHull(np.concatenate(projected).astype(np.float32))
        cells = _cells(hull[:, 0].astype(np.float64))
        low = np.clip(np.floor(cells.min(axis=0)).astype(int), 0, CELLS)
        high = np.clip(np.ceil(cells.max(axis=0)).astype(int) + 1, 0, CELLS)
        part = grid[low[1] : high[1], low[0] : high[0]]
        shadow = np.zeros(part.shape, np.float32)
        if shadow.size:
            cv2.fillConvexPoly(shadow, np.round((cells - low) * 16).astype(np.int32), 1.0, shift=4)
            np.minimum(part, 1 - FOLIAGE_OPACITY.get(box.kind, 1.0) * shadow, out=part)
    return np.asarray(cv2.GaussianBlur(grid, (0, 0), EDGE_BLUR), np.float32)


def _pools(lamps: list[Box]) -> FloatArray:
    """Return the light of all lamps: from each as from a point at its height, above a level ground."""
    size = 2 * HALF_SIDE / CELLS
    reach = int(LAMP_REACH / size)
    steps = np.arange(-reach, reach + 1) * size
    squares = steps[:, None] ** 2 + steps**2
    fade = np.clip(1 - squares / LAMP_REACH**2, 0, 1)
    grid = np.zeros((CELLS + 2 * reach, CELLS + 2 * reach), np.float32)
    for lamp in lamps:
        column, row = _nearest_cells(np.array([lamp.center]))[:, 0]
        pool = LAMP_STRENGTH * fade * (1 + squares / (1.3 * (lamp.top - lamp.bottom)) ** 2) ** -1.5
        grid[row : row + 2 * reach + 1, column : column + 2 * reach + 1] += pool
    return np.asarray(grid[reach:-reach, reach:-reach])


def _gloss(seed: int) -> FloatArray:
    """Return the brightness of wet ground with puddles, (CELLS, CELLS), as a factor."""
    noise = cv2.GaussianBlur(np.random.default_rng([seed, 67]).normal(size=(CELLS, CELLS)), (0, 0), PUDDLE_GRAIN)
    puddles = np.clip((noise / noise.std() - PUDDLE_FRACTION) * 4, 0, 1)
    return np.asarray(WET + (PUDDLE - WET) * puddles)


def _cells(points: FloatArray) -> FloatArray:
    """Convert world x, y (n, 2) to column, row."""
    return (np.asarray(points) + HALF_SIDE) / (2 * HALF_SIDE) * CELLS - 0.5


def _nearest_cells(points: FloatArray) -> np.ndarray:
    """Return columns and rows, (2, n), of the cells nearest to world x, y (n, 2)."""
    return np.clip(np.round(_cells(points)).astype(int), 0, CELLS - 1).T
