"""Ray and box queries over the boxes of a city, vectorised over all boxes."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.types import Box, FloatArray


@dataclass(frozen=True)
class Hit:
    """First contact of a swept cube with an obstacle."""

    distance: float  # metres along the ray; 0 when it starts inside
    normal: FloatArray  # (3,) unit, world axes, out of the obstacle
    index: int  # of the box


class Obstacles:
    """Fixed set of upright boxes, stored as arrays."""

    def __init__(self, boxes: Sequence[Box]):
        self.boxes = tuple(boxes)
        yaws = np.array([box.yaw for box in boxes], dtype=float)
        self._centers = np.array([box.middle for box in boxes], dtype=float).reshape(-1, 3)
        self._halves = np.array([box.half_axes for box in boxes], dtype=float).reshape(-1, 3)
        self._cos, self._sin = np.cos(yaws), np.sin(yaws)

    def cast(self, origin: FloatArray, direction: FloatArray, length: float, margin: float = 0.0) -> Hit | None:
        """Sweep a cube of half-size `margin` from `origin` along the unit `direction` for `length`; all in metres.

        A margin of 0 makes it a ray. Returns the nearest hit; None when the way is free.
        """
        start, along, near, enter, hits = self._intersect(origin, direction[None], length, margin)
        if not hits.any():
            return None
        index = int(np.argmin(np.where(hits, enter, np.inf)[0]))
        if enter[0, index] <= 0:
            return Hit(0.0, self._nearest_face(start[index], self._halves[index] + margin, index), index)
        axis = int(np.argmax(near[0, index]))
        local = np.zeros(3)
        local[axis] = -np.sign(along[0, index, axis])
        return Hit(float(enter[0, index]), self._to_world(local, index), index)

    def free(self, origin: FloatArray, directions: FloatArray, length: float, margin: float = 0.0) -> NDArray[np.bool_]:
        """Return which of the unit `directions`, (n, 3), are free of hits, (n,) bool. Arguments as for `cast`."""
        *_, hits = self._intersect(origin, directions, length, margin)
        return np.logical_not(hits.any(axis=1))

    def entries(self, origin: FloatArray, directions: FloatArray) -> FloatArray:
        """Return where rays enter the boxes, (n, m), in lengths of `directions`, (n, 3): 0 inside, inf if they miss."""
        *_, enter, hits = self._intersect(origin, directions, np.inf, 0.0)
        return np.where(hits, np.maximum(enter, 0.0), np.inf)

    def _intersect(
        self, origin: FloatArray, directions: FloatArray, length: float, margin: float
    ) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, NDArray[np.bool_]]:
        """Intersect n rays with m boxes by the slab method.

        Returns:
            Start (m, 3) and directions (n, m, 3) in the axes of each box, distances to the near slabs (n, m, 3),
            distance at which the ray enters the box (n, m), and whether it does so within `length` (n, m).
        """
        start, along = self._to_local(origin - self._centers), self._to_local(directions[:, None])
        halves = self._halves + margin
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (-halves - start) / along, (halves - start) / along
        # A ray parallel to a slab is inside it or outside along its whole length.
        parallel, inside = np.abs(along) < 1e-9, np.abs(start) <= halves
        near = np.where(parallel, np.where(inside, -np.inf, np.inf), np.minimum(one, other))
        far = np.where(parallel, np.where(inside, np.inf, -np.inf), np.maximum(one, other))
        enter, leave = near.max(axis=-1), far.min(axis=-1)
        return start, along, near, enter, (enter <= leave) & (leave > 0) & (enter <= length)

    def line_of_sight(self, start: FloatArray, end: FloatArray) -> bool:
        """Return whether there is no obstacle between two points, (3,) metres each."""
        length = float(np.linalg.norm(end - start))
        return length == 0 or self.cast(start, (end - start) / length, length) is None

    def push_out(self, point: FloatArray, margin: float) -> FloatArray | None:
        """Return the offset, (3,) metres, that moves a cube of half-size `margin` out of the box it overlaps most.

        None when it overlaps no box.
        """
        if not self.boxes:
            return None
        local = self._to_local(point - self._centers)
        depth = (self._halves + margin - np.abs(local)).min(axis=1)
        index = int(np.argmax(depth))
        if depth[index] <= 0:
            return None
        return self._nearest_face(local[index], self._halves[index] + margin, index) * depth[index]

    def _nearest_face(self, local: FloatArray, halves: FloatArray, index: int) -> FloatArray:
        axis = int(np.argmin(halves - np.abs(local)))
        normal = np.zeros(3)
        normal[axis] = 1.0 if local[axis] >= 0 else -1.0
        return self._to_world(normal, index)

    def _to_local(self, vectors: FloatArray) -> FloatArray:
        """Rotate vectors (..., m or 1, 3) from world axes to the axes of each box, (..., m, 3)."""
        x, y, z = vectors[..., 0], vectors[..., 1], vectors[..., 2]
        along, across = self._cos * x + self._sin * y, self._cos * y - self._sin * x
        return np.stack([along, across, np.broadcast_to(z, along.shape)], axis=-1)

    def _to_world(self, vector: FloatArray, index: int) -> FloatArray:
        cos, sin = self._cos[index], self._sin[index]
        return np.array([cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1], vector[2]])
