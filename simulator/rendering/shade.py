"""Where the sun does not reach the ground: one map for a city, from its boxes and the sun's direction."""

import cv2
import numpy as np

from simulator.city import City

CELL = 0.16  # m
REACH = 82.0  # m, half the side of the map
SOFT = 1.0  # cells, of the edges
LEAFY = {"crown": 0.75, "bush": 0.85}  # how much of the sun they keep off; the rest is solid


class ShadeMap:
    """Share of the sun that reaches the ground, 0..1, on a square grid."""

    def __init__(self, city: City):
        self.side = 1024
        grid = np.ones((self.side, self.side), np.float32)
        sun = city.light.towards
        for box in city.boxes:
            corners = _corners(box)
            shadow = []
            for z in (box.bottom, box.top):
                shadow.append(corners - sun[:2] / sun[2] * z)
            hull = cv2.convexHull(np.concatenate(shadow).astype(np.float32))
            cells = np.round(self.cells(hull[:, 0]) * 16).astype(np.int32)
            mask = np.zeros_like(grid)
            cv2.fillConvexPoly(mask, cells, 1.0, lineType=cv2.LINE_8, shift=4)
            np.minimum(grid, 1 - LEAFY.get(box.kind, 1.0) * mask, out=grid)
        self.grid = cv2.GaussianBlur(grid, (0, 0), SOFT)  # row: y, column: x

    def cells(self, points: np.ndarray) -> np.ndarray:
        """World x, y (n, 2) to column, row."""
        return (np.asarray(points) + REACH) / (2 * REACH) * self.side - 0.5

    def lit(self, points: np.ndarray) -> np.ndarray:
        """(n,) 0..1 for world x, y (n, 2)."""
        columns, rows = np.clip(np.round(self.cells(points)).astype(int), 0, self.side - 1).T
        return self.grid[rows, columns]


def _corners(box) -> np.ndarray:
    cos, sin = np.cos(box.yaw), np.sin(box.yaw)
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * np.array(box.size) / 2
    return signs @ np.array([[cos, sin], [-sin, cos]]) + np.array(box.center)
