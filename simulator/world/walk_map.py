"""Distance to the nearest wall on a grid, for people who walk."""

from collections.abc import Callable

import cv2
import numpy as np

from simulator.types import FloatArray
from simulator.world.city import Rect

CELL = 0.5  # m, of the grid
BODY_RADIUS = 0.3  # m, smallest distance from the middle of a person to a wall


class WalkMap:
    """Walkable space of a city; `is_walkable` takes arrays x, y (metres) and returns a boolean array."""

    def __init__(self, is_walkable: Callable[[FloatArray, FloatArray], object], extent: Rect):
        x_min, y_min, x_max, y_max = extent
        xs, ys = np.arange(x_min + CELL / 2, x_max, CELL), np.arange(y_min + CELL / 2, y_max, CELL)
        walkable = np.asarray(is_walkable(*np.meshgrid(xs, ys, indexing="ij")), dtype=np.uint8)
        walkable[[0, -1], :] = 0
        walkable[:, [0, -1]] = 0
        inside = cv2.distanceTransform(walkable, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        outside = cv2.distanceTransform(1 - walkable, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        self._distance = (inside - outside) * CELL
        smooth = cv2.GaussianBlur(self._distance, (0, 0), 1.0)
        away = np.stack(np.gradient(smooth), axis=-1)
        self._away = away / np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-6)
        self._origin = np.array([x_min, y_min])
        # (n, 2) metres, the centres of all cells with room for a person
        self.free_cells = self._origin + (np.argwhere(self._distance > 2 * BODY_RADIUS) + 0.5) * CELL

    def look_up(self, positions: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the distance to the nearest wall, (n,), negative inside it, and the unit direction away, (n, 2)."""
        cells = ((positions - self._origin) / CELL).astype(int)
        rows, columns = np.clip(cells, 0, np.array(self._distance.shape) - 1).T
        return self._distance[rows, columns], self._away[rows, columns]

    def is_free(self, start: FloatArray, end: FloatArray) -> bool:
        """Return whether the straight line between two places, (2,) metres each, is walkable."""
        count = int(np.hypot(*(end - start)) / CELL) + 2
        return bool((self.look_up(np.linspace(start, end, count))[0] > 2 * BODY_RADIUS).all())
