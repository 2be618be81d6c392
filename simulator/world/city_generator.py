"""Cities from seeds: street grid, road markings, surroundings, the target's paths and the patrol points."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from simulator.types import Box, FloatArray, Point
from simulator.world.blocks import LAYER, fill_block, rectangle, tree
from simulator.world.city import HALF_SIDE, KERB, VISIBLE_HALF_SIDE, City, Light, Surface, distance_to

ROAD_WIDTH = (7.5, 9.0)  # m
PATH_CLEARANCE = 0.9  # m between the target's paths and anything solid
PATH_COUNT, PATH_LEGS = 12, (6, 10)
PATROL_POINT_COUNT = 10
SURROUNDING_TREES = 60

Street = tuple[float, float]  # centre line, width; metres
Interval = tuple[float, float]


def generate_city(seed: int) -> City:
    """Return the city of a seed: three by three blocks between two streets each way, and houses around."""
    random = np.random.default_rng([seed, 7])
    streets_x = _streets(random)
    streets_y = _streets(random)
    columns, rows = _gaps(streets_x), _gaps(streets_y)
    blocks = tuple((x0, y0, x1, y1) for x0, x1 in columns for y0, y1 in rows)
    side = VISIBLE_HALF_SIDE
    surfaces = [Surface("road", rectangle((-side, -side, side, side)), 0.0)]
    surfaces += _road_markings(streets_x, streets_y, random)
    boxes: list[Box] = []
    for block, kind in zip(blocks, _block_kinds(random), strict=True):
        block_surfaces, block_boxes = fill_block(kind, block, random)
        surfaces += block_surfaces
        boxes += block_boxes
    boxes += _surroundings(columns, rows, random)
    light = Light(
        azimuth=random.uniform(-math.pi, math.pi),
        elevation=random.uniform(math.radians(38), math.radians(68)),
        sun=random.uniform(0.55, 0.8),
        ambient=random.uniform(0.46, 0.62),
        overcast=random.uniform(0.0, 1.0),
    )
    extent = (-HALF_SIDE, -HALF_SIDE, HALF_SIDE, HALF_SIDE)
    city = City(seed, extent, tuple(boxes), blocks, tuple(surfaces), (), (), light)
    return replace(
        city, target_paths=_target_paths(city, random), patrol_points=_patrol_points(city, streets_x, streets_y, random)
    )


def _streets(random: np.random.Generator) -> list[Street]:
    return [(centre, random.uniform(*ROAD_WIDTH)) for centre in np.array([-25.0, 25.0]) + random.uniform(-5, 5, 2)]


def _gaps(streets: Sequence[Street]) -> list[Interval]:
    """Return the intervals between streets."""
    edges = [edge for centre, width in streets for edge in (centre - width / 2, centre + width / 2)]
    edges = [-VISIBLE_HALF_SIDE, *edges, VISIBLE_HALF_SIDE]
    return list(zip(edges[::2], edges[1::2], strict=True))


def _block_kinds(random: np.random.Generator) -> list[str]:
    """Return the kinds of the nine blocks; the one in the middle is always open."""
    kinds = ["plaza", "park", "park", "houses", "houses", "houses", "mixed", "mixed"]
    random.shuffle(kinds)
    return [*kinds[:4], str(random.choice(["plaza", "park"])), *kinds[4:]]


def _road_markings(
    streets_x: Sequence[Street], streets_y: Sequence[Street], random: np.random.Generator
) -> list[Surface]:
    """Return white edge lines, yellow centre dashes, and zebra crossings."""
    result = []
    for streets, others, turned in ((streets_x, streets_y, False), (streets_y, streets_x, True)):
        for centre, width in streets:
            for start, end in _gaps(others):
                start, end = max(start, -100.0), min(end, 100.0)
                lines = [(side * (width / 2 - 0.45), 0.12, start, end, "white") for side in (-1, 1)]
                lines += [(0.0, 0.16, at, at + 2.2, "yellow") for at in np.arange(start + 6, end - 6, 5.0)]
                if random.random() < 0.6:
                    near = start + 2.0 if abs(start) < 90 else end - 5.0
                    stripes = np.arange(1 - width / 2, width / 2 - 0.5)
                    lines += [(across, 0.5, near, near + 3.0, "white") for across in stripes]
                for across, thickness, low, high, colour in lines:
                    x0, x1 = centre + across - thickness / 2, centre + across + thickness / 2
                    rect = (low, x0, high, x1) if turned else (x0, low, x1, high)
                    result.append(Surface(colour, rectangle(rect), LAYER))
    return result


def _surroundings(columns: Sequence[Interval], rows: Sequence[Interval], random: np.random.Generator) -> list[Box]:
    """Return houses and trees outside the extent, which limit the view; streets lead out between them."""
    boxes = []
    for gaps, turned in ((columns, False), (rows, True)):
        for side in (-1, 1):
            for low, high in gaps:
                at, end = max(low, -HALF_SIDE) + 3.0, min(high, HALF_SIDE) - 3.0
                while end - at > 9.0:
                    length, depth = min(random.uniform(12, 26), end - at), random.uniform(9, 14)
                    center, size = (at + length / 2, side * (HALF_SIDE + 4.0 + depth / 2)), (length, depth)
                    if turned:
                        center, size = center[::-1], size[::-1]
                    if random.random() < 0.8:
                        boxes.append(Box(center, size, KERB, KERB + random.uniform(6.5, 17.0), 0.0, "building"))
                    at += length + random.uniform(3, 9)
    for _ in range(SURROUNDING_TREES):
        x, y = random.uniform(-VISIBLE_HALF_SIDE + 20, VISIBLE_HALF_SIDE - 20, 2)
        on_block = any(a < x < b for a, b in columns) and any(a < y < b for a, b in rows)
        if max(abs(x), abs(y)) > HALF_SIDE + 3 and on_block and all(distance_to(box, x, y) > 3 for box in boxes):
            boxes += tree(float(x), float(y), random)
    return boxes


def _target_paths(city: City, random: np.random.Generator) -> tuple[FloatArray, ...]:
    """Return random walks over a graph of walkable points joined by straight, walkable legs."""
    places = random.uniform(-HALF_SIDE + 4, HALF_SIDE - 4, (600, 2))
    places = places[city.is_walkable(places[:, 0], places[:, 1], radius=1.5)][:260]
    paths: list[FloatArray] = []
    while len(paths) < PATH_COUNT:
        path = [int(random.integers(len(places)))]
        legs = int(random.integers(*PATH_LEGS))
        for _ in range(legs):
            here = places[path[-1]]
            steps = places - here
            length = np.hypot(*steps.T)
            near = np.flatnonzero((length > 10) & (length < 32))
            random.shuffle(near)
            last = here - places[path[-2]] if len(path) > 1 else np.zeros(2)
            following = (k for k in near if k not in path and steps[k] @ last >= 0 and _is_free(city, here, places[k]))
            chosen = next(following, None)
            if chosen is None:
                break
            path.append(int(chosen))
        if len(path) >= 4:
            paths.append(places[path])
    return tuple(paths)


def _is_free(city: City, start: FloatArray, end: FloatArray) -> bool:
    count = int(np.hypot(*(end - start)) / 0.5) + 2
    x, y = np.linspace(start, end, count).T
    return bool(np.all(city.is_walkable(x, y, radius=PATH_CLEARANCE)))


def _patrol_points(
    city: City, streets_x: Sequence[Street], streets_y: Sequence[Street], random: np.random.Generator
) -> tuple[Point, ...]:
    """Return a round trip over crossings and blocks, high enough for a wide view and low enough to detect people."""
    crossings = [(x, y) for x, _ in streets_x for y, _ in streets_y]
    others = [tuple(random.uniform(-HALF_SIDE + 12, HALF_SIDE - 12, 2)) for _ in range(40)]
    points: list[Point] = []
    for x, y in [*crossings, *others]:
        z = float(random.uniform(6.0, 14.0))
        close = any(box.top + 2.5 > z and box.bottom - 2.5 < z and distance_to(box, x, y) < 3.0 for box in city.boxes)
        apart = all(math.hypot(x - px, y - py) > 15 for px, py, _ in points)
        if not close and apart and len(points) < PATROL_POINT_COUNT:
            points.append((float(x), float(y), z))
    points.sort(key=lambda point: math.atan2(point[1], point[0]))  # around the middle of the city
    return tuple(points)
