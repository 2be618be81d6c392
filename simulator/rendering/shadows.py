"""Shadows on the ground: one map for a city, from its boxes and the direction of the sun."""

import cv2
import numpy as np

from simulator.types import FloatArray
from simulator.world.city import VISIBLE_HALF_SIDE, City

HALF_SIDE = VISIBLE_HALF_SIDE + 1.0  # m, half the side of the map
CELLS = 1024  # along each side
EDGE_BLUR = 1.0  # cells
FOLIAGE_OPACITY = {"crown": 0.75, "bush": 0.85}  # all other kinds of boxes are opaque


class ShadowMap:
    """Fraction of the sun that reaches the ground, 0..1, on a square grid."""

    def __init__(self, city: City):
        grid = np.ones((CELLS, CELLS), np.float32)
        sun = city.light.direction
        for box in city.boxes:
            corners = box.outline()
            projected = [corners - sun[:2] / sun[2] * z for z in (box.bottom, box.top)]
            hull = cv2.convexHull(np.concatenate(projected).astype(np.float32))
            cells = self._cells(hull[:, 0].astype(np.float64))
            low = np.clip(np.floor(cells.min(axis=0)).astype(int), 0, CELLS)
            high = np.clip(np.ceil(cells.max(axis=0)).astype(int) + 1, 0, CELLS)
            part = grid[low[1] : high[1], low[0] : high[0]]
            shadow = np.zeros(part.shape, np.float32)
            if shadow.size:
                cv2.fillConvexPoly(shadow, np.round((cells - low) * 16).astype(np.int32), 1.0, shift=4)
                np.minimum(part, 1 - FOLIAGE_OPACITY.get(box.kind, 1.0) * shadow, out=part)
        self.grid = cv2.GaussianBlur(grid, (0, 0), EDGE_BLUR)  # row: y, column: x

    def sunlit_fraction(self, points: FloatArray) -> FloatArray:
        """Return the values at world x, y (n, 2): (n,) 0..1."""
        columns, rows = np.clip(np.round(self._cells(points)).astype(int), 0, CELLS - 1).T
        return self.grid[rows, columns]

    def _cells(self, points: FloatArray) -> FloatArray:
        """Convert world x, y (n, 2) to column, row."""
        return (np.asarray(points) + HALF_SIDE) / (2 * HALF_SIDE) * CELLS - 0.5
