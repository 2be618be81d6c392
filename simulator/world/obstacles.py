"""What blocks the way and the view: ray and box queries over a city's boxes, all boxes at once. Moves nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.contract import Box


@dataclass(frozen=True)
class Hit:
    """Where a swept box first touches an obstacle."""

    distance: float  # metres along the ray; 0 when it starts inside
    normal: np.ndarray  # (3,) unit, world axes, out of the obstacle
    index: int  # which of the boxes


class Obstacles:
    """A fixed set of upright boxes, kept as arrays."""

    def __init__(self, boxes: Sequence[Box]):
        self.boxes = tuple(boxes)
        rows = [(*box.center, (box.bottom + box.top) / 2) for box in boxes]
        halves = [(box.size[0] / 2, box.size[1] / 2, (box.top - box.bottom) / 2) for box in boxes]
        yaws = np.array([box.yaw for box in boxes], dtype=float)
        self._centers = np.array(rows, dtype=float).reshape(-1, 3)
        self._halves = np.array(halves, dtype=float).reshape(-1, 3)
        self._cos, self._sin = np.cos(yaws), np.sin(yaws)

    def cast(self, origin: np.ndarray, direction: np.ndarray, length: float, margin: float = 0.0) -> Hit | None:
        """Sweep a cube of half-size `margin` from `origin` along the unit `direction` for `length` metres.

        Args:
            origin: (3,) metres, world axes.
            direction: (3,) unit vector.
            length: how far to look, metres.
            margin: half the size of what is swept, metres; 0 is a plain ray.

        Returns:
            The nearest hit, or None when the way is free.
        """
        if not self.boxes:
            return None
        start, along, near, enter, touched = self._meet(origin, direction[None], length, margin)
        if not touched.any():
            return None
        index = int(np.argmin(np.where(touched, enter, np.inf)[0]))
        if enter[0, index] <= 0:
            return Hit(0.0, self._nearest_face(start[index], self._halves[index] + margin, index), index)
        axis = int(np.argmax(near[0, index]))
        local = np.zeros(3)
        local[axis] = -np.sign(along[0, index, axis])
        return Hit(float(enter[0, index]), self._to_world(local, index), index)

    def free(self, origin: np.ndarray, directions: np.ndarray, length: float, margin: float = 0.0) -> np.ndarray:
        """Which of the unit `directions`, (n, 3), a sweep as in `cast` could follow to its end: (n,) bool."""
        if not self.boxes:
            return np.ones(len(directions), dtype=bool)
        return ~self._meet(origin, directions, length, margin)[-1].any(axis=1)

    def _meet(self, origin: np.ndarray, directions: np.ndarray, length: float, margin: float):
        """Where n rays meet m boxes: start (m, 3) and directions (n, m, 3) in the boxes' axes, distances to the near
        slabs (n, m, 3), where each ray is inside all slabs at once (n, m), and whether that is on its way (n, m).
        """
        start, along = self._to_local(origin - self._centers), self._to_local(directions[:, None])
        halves = self._halves + margin
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (-halves - start) / along, (halves - start) / along
        # A ray parallel to a slab is for ever inside it or for ever outside.
        parallel, inside = np.abs(along) < 1e-9, np.abs(start) <= halves
        near = np.where(parallel, np.where(inside, -np.inf, np.inf), np.minimum(one, other))
        far = np.where(parallel, np.where(inside, np.inf, -np.inf), np.maximum(one, other))
        enter, leave = near.max(axis=-1), far.min(axis=-1)
        return start, along, near, enter, (enter <= leave) & (leave > 0) & (enter <= length)

    def line_of_sight(self, start: np.ndarray, end: np.ndarray) -> bool:
        """Whether nothing stands between two points, (3,) metres each."""
        length = float(np.linalg.norm(end - start))
        return length == 0 or self.cast(start, (end - start) / length, length) is None

    def push_out(self, point: np.ndarray, margin: float) -> np.ndarray | None:
        """The unit normal times depth, (3,) metres, that moves a cube of half-size `margin` out of a box it is in.

        None when it touches no box; the deepest one counts when it is in several.
        """
        if not self.boxes:
            return None
        local = self._to_local(point - self._centers)
        depth = (self._halves + margin - np.abs(local)).min(axis=1)
        index = int(np.argmax(depth))
        if depth[index] <= 0:
            return None
        return self._nearest_face(local[index], self._halves[index] + margin, index) * depth[index]

    def _nearest_face(self, local: np.ndarray, halves: np.ndarray, index: int) -> np.ndarray:
        axis = int(np.argmin(halves - np.abs(local)))
        normal = np.zeros(3)
        normal[axis] = 1.0 if local[axis] >= 0 else -1.0
        return self._to_world(normal, index)

    def _to_local(self, vectors: np.ndarray) -> np.ndarray:
        """(..., m or 1, 3) in world axes to (..., m, 3) in those of each box."""
        x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
        along, across = self._cos * x + self._sin * y, self._cos * y - self._sin * x
        return np.stack([along, across, np.broadcast_to(z, along.shape)], axis=-1)

    def _to_world(self, vector: np.ndarray, index: int) -> np.ndarray:
        cos, sin = self._cos[index], self._sin[index]
        return np.array([cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1], vector[2]])
