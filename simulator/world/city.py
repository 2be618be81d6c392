"""The city as plain data: blocks, obstacles, ground, paths and light. `city_generator` makes one from a seed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.types import Box, FloatArray, Point
from simulator.world.obstacles import Obstacles

KERB = 0.12  # m, height of blocks above roads
HALF_SIDE = 72.0  # m, half the side of the square in which people walk
HEAD_ROOM = 2.2  # m: people can walk under boxes whose bottom is higher than this
PATROL_CLEARANCE = 1.0  # m around a patrol point
WHITE = (1.0, 1.0, 1.0)
VISIBLE_HALF_SIDE = 130.0  # m, half the side of the square that can be seen

Values = FloatArray | float
Rect = tuple[float, float, float, float]  # x0, y0, x1, y1
Color = tuple[float, float, float]  # red, green, blue
Outline = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Surface:
    """Covering of the ground: a convex outline, counter-clockwise, at height z. Metres."""

    kind: str  # "road", "pavement", "slabs", "lawn", "white", "yellow"
    outline: Outline
    z: float


@dataclass(frozen=True)
class Light:
    """Sun, sky and weather. Angles in radians, strengths and colours 0..1 at a medium exposure."""

    azimuth: float  # yaw of the direction towards the sun
    elevation: float
    sun: float
    ambient: float
    overcast: float  # 0 clear blue, 1 white
    sun_color: Color = WHITE
    sky_color: Color = WHITE  # of the ambient light
    horizon: Color = WHITE  # factors of the sky's colours, there and above
    zenith: Color = WHITE
    people_cast_shadows: bool = False
    lamps: bool = False  # street lamps and windows are lit
    visibility: float = math.inf  # metres
    haze: Color = WHITE  # what hides things beyond the visibility
    rain: bool = False
    grain: float = 0.0  # deviation of the camera's noise, of 255

    @property
    def direction(self) -> FloatArray:
        """Unit vector towards the sun, (3,)."""
        level = math.cos(self.elevation)
        return np.array([level * math.cos(self.azimuth), level * math.sin(self.azimuth), math.sin(self.elevation)])


@dataclass(frozen=True)
class City:
    """Square of blocks between streets. Metres, world axes; roads lie at z = 0, blocks at z = KERB."""

    seed: int
    extent: Rect  # where people walk
    boxes: tuple[Box, ...]  # everything solid
    blocks: tuple[Rect, ...]  # raised by a kerb
    surfaces: tuple[Surface, ...]  # coverings of the ground, later ones on top
    target_paths: tuple[FloatArray, ...]  # waypoints, (n, 2) each; the straight line to the next one is walkable
    patrol_points: tuple[Point, ...]  # clear of obstacles
    light: Light

    @cached_property
    def obstacles(self) -> Obstacles:
        """The boxes, prepared for ray and box queries."""
        return Obstacles(self.boxes)

    def patrol_points_at(self, height: float | None) -> tuple[Point, ...]:
        """Return the patrol points that are clear of obstacles at `height` metres; None: at their own heights."""
        if height is None:
            return self.patrol_points
        points = [(x, y, height) for x, y, _ in self.patrol_points]
        clear = [point for point in points if self.obstacles.push_out(np.array(point), PATROL_CLEARANCE) is None]
        return tuple(clear) or self.patrol_points

    def ground_height(self, x: Values, y: Values) -> Values:
        """Return the height of the ground at x, y: numbers, or arrays of one shape."""
        x0, y0, x1, y1 = self._block_edges
        x, y = np.asarray(x)[..., None], np.asarray(y)[..., None]
        return np.where(((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).any(axis=-1), KERB, 0.0)[()]

    def is_walkable(self, x: Values, y: Values, radius: float = 0.0) -> bool | NDArray[np.bool_]:
        """Return whether a disc of `radius` metres at x, y lies in the extent, clear of boxes below head height.

        Numbers give a bool, arrays of one shape a boolean array.
        """
        x_min, y_min, x_max, y_max = self.extent
        free = (x >= x_min + radius) & (x <= x_max - radius) & (y >= y_min + radius) & (y <= y_max - radius)
        if np.ndim(x) == 0:
            return bool(free) and bool(np.all(_distance_to(self._low_outlines, x, y) > radius))
        for outline in self._low_outlines.T:
            free = free & (_distance_to(outline, x, y) > radius)
        return free

    @cached_property
    def _block_edges(self) -> FloatArray:
        """The edges x0, y0, x1, y1 of the blocks, (4, n)."""
        return np.array(self.blocks).T

    @cached_property
    def _low_outlines(self) -> FloatArray:
        """Outlines of the boxes below head height, (6, n)."""
        return np.array([_outline(box) for box in self.boxes if box.bottom < HEAD_ROOM]).reshape(-1, 6).T


def distance_to(box: Box, x: Values, y: Values) -> Values:
    """Return the horizontal distance to the outline of a box, metres; 0 inside. For arrays, an array."""
    return _distance_to(_outline(box), x, y)


def _outline(box: Box) -> tuple[float, float, float, float, float, float]:
    """Return cosine and sine of the yaw, the centre, and half the size of a box, seen from above."""
    return math.cos(box.yaw), math.sin(box.yaw), *box.center[:2], box.size[0] / 2, box.size[1] / 2


def _distance_to(outline: FloatArray | Sequence[float], x: Values, y: Values) -> Values:
    """Return the distances to outlines: their six numbers, or for a single place arrays of them."""
    cos, sin, center_x, center_y, half_length, half_width = outline
    dx, dy = x - center_x, y - center_y
    along = np.maximum(np.abs(cos * dx + sin * dy) - half_length, 0.0)
    across = np.maximum(np.abs(cos * dy - sin * dx) - half_width, 0.0)
    return np.hypot(along, across)
