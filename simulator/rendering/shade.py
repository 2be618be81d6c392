"""Where the sun does not reach the ground: one map for a city, from its boxes and the sun's direction."""

import cv2
import numpy as np

from simulator.world.city import BEYOND, City

REACH = BEYOND + 1.0  # m, half the side of the map: all that can be seen
SIDE = 1024  # cells
SOFT = 1.0  # cells, of the edges
LEAFY = {"crown": 0.75, "bush": 0.85}  # how much of the sun they keep off; the rest is solid


class ShadeMap:
    """Share of the sun that reaches the ground, 0..1, on a square grid."""

    def __init__(self, city: City):
        grid = np.ones((SIDE, SIDE), np.float32)
        sun = city.light.towards
        for box in city.boxes:
            corners = _corners(box)
            thrown = [corners - sun[:2] / sun[2] * z for z in (box.bottom, box.top)]
            hull = cv2.convexHull(np.concatenate(thrown).astype(np.float32))
            cells = self.cells(hull[:, 0])
            low = np.clip(np.floor(cells.min(axis=0)).astype(int), 0, SIDE)
            high = np.clip(np.ceil(cells.max(axis=0)).astype(int) + 1, 0, SIDE)
            part = grid[low[1] : high[1], low[0] : high[0]]
            shadow = np.zeros(part.shape, np.float32)
            if shadow.size:
                cv2.fillConvexPoly(shadow, np.round((cells - low) * 16).astype(np.int32), 1.0, shift=4)
                np.minimum(part, 1 - LEAFY.get(box.kind, 1.0) * shadow, out=part)
        self.grid = cv2.GaussianBlur(grid, (0, 0), SOFT)  # row: y, column: x

    def cells(self, points: np.ndarray) -> np.ndarray:
        """World x, y (n, 2) to column, row."""
        return (np.asarray(points) + REACH) / (2 * REACH) * SIDE - 0.5

    def lit(self, points: np.ndarray) -> np.ndarray:
        """(n,) 0..1 for world x, y (n, 2)."""
        columns, rows = np.clip(np.round(self.cells(points)).astype(int), 0, SIDE - 1).T
        return self.grid[rows, columns]


def _corners(box) -> np.ndarray:
    cos, sin = np.cos(box.yaw), np.sin(box.yaw)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array(box.size) / 2
    return signs @ np.array([[cos, sin], [-sin, cos]]) + np.array(box.center)
