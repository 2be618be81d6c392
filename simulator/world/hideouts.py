"""What hides people on their way: roofed walks, underpasses, kiosks, hoardings, vans and low trees along the paths."""

import itertools
import math
from dataclasses import replace

import numpy as np

from simulator.types import Box, FloatArray
from simulator.world.city import HALF_SIDE, KERB, PATROL_CLEARANCE, City, distance_to
from simulator.world.city_generator import PATH_CLEARANCE
from simulator.world.obstacles import Obstacles

SPACING = 12.0  # m between the middles of two hideouts, at least
HALF_WALK = 1.25  # m, half the free width under a roof
ROOFED = (4.5, 12.0)  # m: hidden for 2 to 8 s at a walk, with what the camera sees in under the roof
KINDS, ODDS = ("underpass", "arcade", "trees", "between"), (0.55, 0.2, 0.15, 0.1)  # of what lies on a path
PATHS = 5  # of the target that are kept; hideouts on them must leave the others free
ATTEMPTS = 4  # at each leg of a path


def add_hideouts(city: City) -> City:
    """Return the city with hideouts on and beside the target's paths, which stay walkable."""
    random = np.random.default_rng([city.seed, 71])
    added: list[Box] = []
    middles: list[FloatArray] = []
    city = replace(city, target_paths=city.target_paths[:PATHS])
    legs = [leg for path in city.target_paths for leg in itertools.pairwise(path)]
    for index in random.permutation(ATTEMPTS * len(legs)):
        start, end = legs[index % len(legs)]
        middle = start + (end - start) * random.uniform(0.3, 0.7)
        if all(np.hypot(*(middle - other)) > SPACING for other in middles):
            along = math.atan2(*(end - start)[::-1])
            kind = str(random.choice(KINDS, p=ODDS))
            boxes = _hideout(kind, middle, along, float(np.hypot(*(end - start))), random)
            if _fits(boxes, city, added):
                added += boxes
                middles.append(middle)
    obstacles = Obstacles(added)
    clear = [point for point in city.patrol_points if obstacles.push_out(np.array(point), PATROL_CLEARANCE) is None]
    return replace(city, boxes=city.boxes + tuple(added), patrol_points=tuple(clear))


def _hideout(kind: str, middle: FloatArray, along: float, leg: float, random: np.random.Generator) -> list[Box]:
    """Return the boxes of a hideout at the middle of a leg of `leg` metres in the direction `along`."""

    def box(kind: str, forward: float, left: float, size: tuple[float, float], bottom: float, top: float) -> Box:
        cos, sin = math.cos(along), math.sin(along)
        x, y = (middle + np.array([cos * forward - sin * left, sin * forward + cos * left])).tolist()
        return Box((x, y), size, KERB + bottom, KERB + top, along, kind)

    length = min(random.uniform(*ROOFED), leg - 2.0)
    side = HALF_WALK + 0.2
    match kind:
        case "arcade":
            roof = box("roof", 0.0, 0.0, (length, 2 * side + 1.0), 2.45, 2.9)
            places = np.linspace(-length / 2 + 0.3, length / 2 - 0.3, 2 + int(length // 4))
            pillars = [box("pillar", x, sign * side, (0.35, 0.35), 0.0, 2.45) for x in places for sign in (-1, 1)]
            return [roof, *pillars]
        case "underpass":
            roof = box("roof", 0.0, 0.0, (length, 2 * side + 0.4), 2.45, 3.1)
            return [roof, *(box("wall", 0.0, sign * side, (length, 0.4), 0.0, 2.45) for sign in (-1, 1))]
        case "trees":
            boxes = []
            for x in np.arange(-length / 2, length / 2 + 0.1, 3.4):
                left, crown = random.choice([-1, 1]) * random.uniform(1.3, 1.7), random.uniform(4.2, 5.2)
                boxes.append(box("trunk", x, left, (0.35, 0.35), 0.0, 3.0))
                boxes.append(box("crown", x, left, (crown, crown), 2.3, random.uniform(5.0, 7.0)))
            return boxes
    boxes = []
    for sign in (-1, 1):
        size, top, name = (
            ((2.4, 2.4), 2.7, "kiosk"),
            ((5.0, 2.0), 2.3, "van"),
            ((7.0, 0.25), 2.6, "hoarding"),
        )[random.integers(3)]
        boxes.append(box(name, random.uniform(-1, 1), sign * (1.1 + size[1] / 2), size, 0.0, top))
    return boxes


def _fits(boxes: list[Box], city: City, added: list[Box]) -> bool:
    """Return whether boxes lie in the extent, meet nothing else that is solid, and leave all paths walkable."""
    outline = np.concatenate([box.outline() for box in boxes])
    if np.abs(outline).max() > HALF_SIDE - 1:
        return False
    samples = np.concatenate([_grid(box) for box in boxes])
    lowest, highest = min(box.bottom for box in boxes), max(box.top for box in boxes)
    for other in (*city.boxes, *added):
        if other.bottom < highest and other.top > lowest and np.any(distance_to(other, *samples.T) < 0.3):
            return False
    solid = [box for box in boxes if box.bottom < 1.0]
    for path in city.target_paths:
        for start, end in itertools.pairwise(path):
            steps = np.linspace(start, end, 2 + int(np.hypot(*(end - start)) / 0.5))
            if any(np.any(distance_to(box, *steps.T) < PATH_CLEARANCE) for box in solid):
                return False
    return True


def _grid(box: Box) -> FloatArray:
    """Return points in the outline of a box, (n, 2), at most a metre apart."""
    counts = [2 + int(side) for side in box.size]
    u, v = (axis.ravel() for axis in np.meshgrid(*(np.linspace(-0.5, 0.5, count) for count in counts)))
    cos, sin = math.cos(box.yaw), math.sin(box.yaw)
    forward, left = u * box.size[0], v * box.size[1]
    return np.stack([cos * forward - sin * left, sin * forward + cos * left], axis=1) + box.center
