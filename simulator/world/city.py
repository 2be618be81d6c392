"""The city as plain data, from a seed: streets, blocks, what stands there, where one can walk. Draws nothing."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.contract import Box
from simulator.world.city_blocks import KERB, LIFT, Rect, Surface, fill_block, rectangle, tree

EXTENT = 72.0  # m, half the side of the square in which people walk
BEYOND = 130.0  # m, half the side of what can be seen
ROAD = (7.5, 9.0)  # m, width
HEAD_ROOM = 2.2  # m
CLEARANCE = 0.9  # m between the hero's path and anything solid
PATHS, LEGS = 12, (6, 10)
TREES_BEYOND = 60


@dataclass(frozen=True)
class Light:
    """The sun and what comes from the sky. Angles in radians, strengths 0..1."""

    azimuth: float  # yaw of the direction towards the sun
    elevation: float
    sun: float
    ambient: float
    overcast: float  # 0 clear blue, 1 white

    @property
    def towards(self) -> np.ndarray:
        """(3,) unit vector towards the sun."""
        level = math.cos(self.elevation)
        return np.array([level * math.cos(self.azimuth), level * math.sin(self.azimuth), math.sin(self.elevation)])


@dataclass(frozen=True)
class City:
    """A square of blocks between streets. Metres, world axes; roads lie at z = 0, blocks a kerb higher."""

    seed: int
    extent: tuple[float, float, float, float]  # x_min, y_min, x_max, y_max of where people walk
    boxes: tuple[Box, ...]  # everything solid
    blocks: tuple[Rect, ...]  # raised by a kerb
    surfaces: tuple[Surface, ...]  # the ground's coverings, later ones over earlier ones
    hero_waypoints: tuple[np.ndarray, ...]  # paths, (n, 2) each: straight legs free of walls
    patrol_points: tuple[tuple[float, float, float], ...]  # in free air
    light: Light

    def ground_height(self, x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray | float:
        """Height of the ground at x, y; numbers or arrays of one shape."""
        x0, y0, x1, y1 = np.array(self.blocks).T
        x, y = np.asarray(x)[..., None], np.asarray(y)[..., None]
        return np.where(((x >= x0) & (x <= x1) & (y >= y0) & (y <= y1)).any(axis=-1), KERB, 0.0)[()]

    def is_walkable(self, x: np.ndarray | float, y: np.ndarray | float, radius: float = 0.0) -> np.ndarray | bool:
        """Whether a disc of `radius` metres lies in the extent and meets nothing solid below head height."""
        x_min, y_min, x_max, y_max = self.extent
        free = (x >= x_min + radius) & (x <= x_max - radius) & (y >= y_min + radius) & (y <= y_max - radius)
        for box in self.boxes:
            if box.bottom < HEAD_ROOM:
                free = free & (distance_to(box, x, y) > radius)
        return free


def distance_to(box: Box, x: np.ndarray | float, y: np.ndarray | float) -> np.ndarray | float:
    """Horizontal distance to a box's outline, metres; 0 inside."""
    cos, sin = math.cos(box.yaw), math.sin(box.yaw)
    dx, dy = x - box.center[0], y - box.center[1]
    along = np.maximum(np.abs(cos * dx + sin * dy) - box.size[0] / 2, 0.0)
    across = np.maximum(np.abs(cos * dy - sin * dx) - box.size[1] / 2, 0.0)
    return np.hypot(along, across)


def generate_city(seed: int) -> City:
    """The city of a seed: three by three blocks between two streets each way, and houses around."""
    random = np.random.default_rng([seed, 7])
    streets_x = [(c, random.uniform(*ROAD)) for c in np.array([-25.0, 25.0]) + random.uniform(-5, 5, 2)]
    streets_y = [(c, random.uniform(*ROAD)) for c in np.array([-25.0, 25.0]) + random.uniform(-5, 5, 2)]
    columns, rows = _gaps(streets_x), _gaps(streets_y)
    blocks = tuple((x0, y0, x1, y1) for x0, x1 in columns for y0, y1 in rows)
    surfaces = [Surface("road", rectangle((-BEYOND, -BEYOND, BEYOND, BEYOND)), 0.0)]
    surfaces += _markings(streets_x, streets_y, random)
    boxes: list[Box] = []
    for block, kind in zip(blocks, _kinds(random), strict=True):
        inner = tuple(float(np.clip(edge, -EXTENT, EXTENT)) for edge in block)
        more_surfaces, more_boxes = fill_block(kind, block, inner, random)
        surfaces += more_surfaces
        boxes += more_boxes
    boxes += _surroundings(columns, rows, random)
    light = Light(
        azimuth=random.uniform(-math.pi, math.pi),
        elevation=random.uniform(math.radians(38), math.radians(68)),
        sun=random.uniform(0.55, 0.8),
        ambient=random.uniform(0.46, 0.62),
        overcast=random.uniform(0.0, 1.0),
    )
    extent = (-EXTENT, -EXTENT, EXTENT, EXTENT)
    bare = City(seed, extent, tuple(boxes), blocks, tuple(surfaces), (), (), light)
    return City(
        *(seed, extent, bare.boxes, blocks, bare.surfaces),
        hero_waypoints=_hero_paths(bare, random),
        patrol_points=_patrol_points(bare, streets_x, streets_y, random),
        light=light,
    )


def _gaps(streets: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    edges = [-BEYOND, *(edge for c, width in streets for edge in (c - width / 2, c + width / 2)), BEYOND]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _kinds(random: np.random.Generator) -> list[str]:
    """What the nine blocks are; the middle one is always open."""
    kinds = ["plaza", "park", "park", "houses", "houses", "houses", "mixed", "mixed"]
    random.shuffle(kinds)
    return [*kinds[:4], str(random.choice(["plaza", "park"])), *kinds[4:]]


def _markings(streets_x, streets_y, random: np.random.Generator) -> list[Surface]:
    """White edges, yellow dashes in the middle, zebras before the crossings."""
    result = []
    for streets, others, turned in ((streets_x, streets_y, False), (streets_y, streets_x, True)):
        stops = [-BEYOND, *(edge for c, width in others for edge in (c - width / 2, c + width / 2)), BEYOND]
        for centre, width in streets:
            for start, end in zip(stops[::2], stops[1::2], strict=True):
                start, end = max(start, -100.0), min(end, 100.0)
                lines = [(side * (width / 2 - 0.45), 0.12, start, end, "white") for side in (-1, 1)]
                lines += [(0.0, 0.16, at, at + 2.2, "yellow") for at in np.arange(start + 6, end - 6, 5.0)]
                if random.random() < 0.6:
                    near = start + 2.0 if abs(start) < 90 else end - 5.0
                    lines += [
                        (across, 0.5, near, near + 3.0, "white") for across in np.arange(1 - width / 2, width / 2 - 0.5)
                    ]
                for across, thick, low, high, colour in lines:
                    x0, x1 = centre + across - thick / 2, centre + across + thick / 2
                    rect = (low, x0, high, x1) if turned else (x0, low, x1, high)
                    result.append(Surface(colour, rectangle(rect), LIFT))
    return result


def _surroundings(columns, rows, random: np.random.Generator) -> list[Box]:
    """Houses and trees outside the extent that end the view; the streets run out between them."""
    boxes = []
    for gaps, turned in ((columns, False), (rows, True)):
        for side in (-1, 1):
            for low, high in gaps:
                at, end = max(low, -EXTENT) + 3.0, min(high, EXTENT) - 3.0
                while end - at > 9.0:
                    long, deep = min(random.uniform(12, 26), end - at), random.uniform(9, 14)
                    away = side * (EXTENT + 4.0 + deep / 2)
                    center, size = ((at + long / 2, away), (long, deep)), None
                    size = center[1] if not turned else center[1][::-1]
                    place = center[0] if not turned else center[0][::-1]
                    if random.random() < 0.8:
                        boxes.append(Box(place, size, KERB, KERB + random.uniform(6.5, 17.0), 0.0, "building"))
                    at += long + random.uniform(3, 9)
    for _ in range(TREES_BEYOND):
        x, y = random.uniform(-BEYOND + 20, BEYOND - 20, 2)
        on_block = any(a < x < b for a, b in columns) and any(a < y < b for a, b in rows)
        if max(abs(x), abs(y)) > EXTENT + 3 and on_block and all(distance_to(box, x, y) > 3 for box in boxes):
            boxes += tree(float(x), float(y), random)
    return boxes


def _hero_paths(city: City, random: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Walks over a graph of free places joined by straight, free legs."""
    places = random.uniform(-EXTENT + 4, EXTENT - 4, (600, 2))
    places = places[city.is_walkable(*places.T, radius=1.5)][:260]
    paths: list[np.ndarray] = []
    while len(paths) < PATHS:
        path = [int(random.integers(len(places)))]
        legs = int(random.integers(*LEGS))
        for _ in range(legs):
            step = places - places[path[-1]]
            length = np.hypot(*step.T)
            near = np.flatnonzero((length > 10) & (length < 32))
            random.shuffle(near)
            here = places[path[-1]]
            back = places[path[-1]] - places[path[-2]] if len(path) > 1 else np.zeros(2)
            following = (k for k in near if k not in path and step[k] @ back >= 0 and _free_leg(city, here, places[k]))
            path.append(int(next(following, -1)))
            if path[-1] < 0:
                path.pop()
                break
        if len(path) >= 4:
            paths.append(places[path])
    return tuple(paths)


def _free_leg(city: City, start: np.ndarray, end: np.ndarray) -> bool:
    count = int(np.hypot(*(end - start)) / 0.5) + 2
    return bool(np.all(city.is_walkable(*np.linspace(start, end, count).T, radius=CLEARANCE)))


def _patrol_points(
    city: City, streets_x, streets_y, random: np.random.Generator
) -> tuple[tuple[float, float, float], ...]:
    """A round over the crossings and the blocks between them, high enough to see far, low enough to see people."""
    crossings = [(x, y) for x, _ in streets_x for y, _ in streets_y]
    middles = [tuple(random.uniform(-EXTENT + 12, EXTENT - 12, 2)) for _ in range(40)]
    points = []
    for x, y in [*crossings, *middles]:
        z = float(random.uniform(6.0, 14.0))
        close = any(box.top + 2.5 > z and box.bottom - 2.5 < z and distance_to(box, x, y) < 3.0 for box in city.boxes)
        apart = all(math.hypot(x - px, y - py) > 15 for px, py, _ in points)
        if not close and apart and len(points) < 10:
            points.append((float(x), float(y), z))
    points.sort(key=lambda point: math.atan2(point[1], point[0]))  # round the middle, not to and fro
    return tuple(points)
