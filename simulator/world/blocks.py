"""Contents of a city block: houses, parks and plazas, as boxes and coverings of the ground."""

import math
from collections.abc import Sequence

import numpy as np

from simulator.types import Box
from simulator.world.city import HALF_SIDE, KERB, Outline, Rect, Surface

PAVEMENT_WIDTH = 2.6  # m
LAYER = 0.001  # m from one covering to the next above it; determines the drawing order

Contents = tuple[list[Surface], list[Box]]


def rectangle(rect: Rect) -> Outline:
    """Return the outline of a rectangle."""
    x0, y0, x1, y1 = (float(edge) for edge in rect)
    return ((x0, y0), (x1, y0), (x1, y1), (x0, y1))


def ellipse(x: float, y: float, a: float, b: float, power: float = 2.0, count: int = 28) -> Outline:
    """Return the outline of a (super-)ellipse with half axes a, b; a power above 2 makes it a rounded rectangle."""
    turn = np.linspace(0, 2 * math.pi, count, endpoint=False)
    cos, sin = np.cos(turn), np.sin(turn)
    u = a * np.sign(cos) * np.abs(cos) ** (2 / power)
    v = b * np.sign(sin) * np.abs(sin) ** (2 / power)
    return tuple(zip((x + u).tolist(), (y + v).tolist(), strict=True))


def fill_block(kind: str, block: Rect, random: np.random.Generator) -> Contents:
    """Return the contents of a block; boxes stand only on the part of it where people can walk."""
    lawn = _shrink(block, PAVEMENT_WIDTH)
    lot = _clip(lawn)
    surfaces = [Surface("pavement", rectangle(block), KERB), Surface("lawn", rectangle(lawn), KERB + LAYER)]
    if kind == "plaza":
        surfaces.append(Surface("slabs", rectangle(lot), KERB + 2 * LAYER))
    build = {"plaza": _plaza, "park": _park, "houses": _houses, "mixed": _mixed}[kind]
    more_surfaces, boxes = build(lot, random)
    return surfaces + more_surfaces, boxes + _street_furniture(_clip(block), random)


def tree(x: float, y: float, random: np.random.Generator) -> list[Box]:
    """Return a trunk, and a crown above head height."""
    height, crown, thickness = random.uniform(5.0, 10.0), random.uniform(2.8, 5.0), random.uniform(0.3, 0.5)
    fork, yaw = random.uniform(2.3, 3.0), random.uniform(0, math.pi / 2)
    return [
        Box((x, y), (thickness, thickness), KERB, KERB + fork + 0.8, yaw, "trunk"),
        Box((x, y), (crown, crown), KERB + fork, KERB + height, yaw, "crown"),
    ]


def _plaza(rect: Rect, random: np.random.Generator) -> Contents:
    """Return rounded lawns, flower beds and benches on slabs."""
    surfaces, boxes = [], []
    x0, y0, x1, y1 = rect
    for _ in range(int(random.integers(1, 3))):
        a, b = random.uniform(5, 9), random.uniform(4, 7)
        x, y = random.uniform(x0 + a, max(x1 - a, x0 + a + 1)), random.uniform(y0 + b, max(y1 - b, y0 + b + 1))
        a, b = min(a, x - x0, x1 - x), min(b, y - y0, y1 - y)
        if min(a, b) > 2:
            surfaces.append(Surface("lawn", ellipse(x, y, a, b, power=random.uniform(2, 5)), KERB + 3 * LAYER))
    for x, y in _scatter(rect, 4, 9.0, 4.0, random):
        side = random.uniform(2.6, 3.8)
        boxes.append(Box((x, y), (side, side), KERB, KERB + 0.55, 0.0, "planter"))
        crown = side * random.uniform(0.7, 0.95)
        boxes.append(Box((x, y), (crown, crown), KERB + 0.5, KERB + random.uniform(1.6, 3.4), 0.0, "bush"))
    for x, y in _clear_of(boxes, _scatter(rect, 6, 6.0, 2.0, random), 2.0):
        boxes.append(Box((x, y), (1.8, 0.6), KERB, KERB + 0.5, random.uniform(0, math.pi), "bench"))
    return surfaces, boxes


def _park(rect: Rect, random: np.random.Generator) -> Contents:
    """Return a lawn with paths, trees, hedges and rocks."""
    x0, y0, x1, y1 = rect
    width = random.uniform(2.5, 5.0)
    x, y = random.uniform(0.3, 0.7, 2) * (x1 - x0, y1 - y0) + (x0, y0)
    z = KERB + 2 * LAYER
    surfaces = [
        Surface("slabs", rectangle((x - width / 2, y0, x + width / 2, y1)), z),
        Surface("slabs", rectangle((x0, y - width / 2, x1, y + width / 2)), z),
        Surface("slabs", ellipse(x, y, *random.uniform(4, 8, 2)), z + LAYER),
    ]
    boxes: list[Box] = []
    for place in _scatter(rect, int(random.integers(5, 10)), 6.0, 2.5, random):
        boxes += tree(*place, random)
    for place in _clear_of(boxes, _scatter(rect, 4, 5.0, 4.0, random), 4.0):
        along_x = random.random() < 0.5
        length, height = random.uniform(3, 7), random.uniform(0.9, 1.5)
        boxes.append(Box(place, (length, 0.9) if along_x else (0.9, length), KERB, KERB + height, 0.0, "hedge"))
    for place in _clear_of(boxes, _scatter(rect, 4, 3.0, 1.5, random), 3.0):
        size = random.uniform(0.7, 1.6)
        boxes.append(Box(place, (size, size * 0.8), KERB, KERB + size * 0.6, random.uniform(0, 3), "rock"))
    return surfaces, boxes


def _houses(rect: Rect, random: np.random.Generator) -> Contents:
    """Return one or two houses with a lawn and trees around them."""
    x0, y0, x1, y1 = rect
    width, depth = x1 - x0, y1 - y0
    boxes = []
    split = random.uniform(0.45, 0.6)
    lots = [(x0, y0, x0 + width * split, y1), (x0 + width * split, y0, x1, y1)]
    if width < depth:
        lots = [(x0, y0, x1, y0 + depth * split), (x0, y0 + depth * split, x1, y1)]
    for a0, b0, a1, b1 in lots:
        if min(a1 - a0, b1 - b0) < 11:
            continue
        size = (min((a1 - a0) * random.uniform(0.5, 0.7), 26), min((b1 - b0) * random.uniform(0.5, 0.7), 26))
        boxes.append(Box(((a0 + a1) / 2, (b0 + b1) / 2), size, KERB, KERB + random.uniform(6.5, 15.0), 0.0, "building"))
    for place in _clear_of(boxes, _scatter(rect, 7, 5.0, 1.5, random), 3.2):
        boxes += tree(*place, random)
    return [], boxes


def _mixed(rect: Rect, random: np.random.Generator) -> Contents:
    """Return a house on one half and a forecourt on the other."""
    x0, y0, x1, y1 = rect
    half = x0 + (x1 - x0) * random.uniform(0.4, 0.6)
    lots = [(x0, y0, half, y1), (half, y0, x1, y1)]
    random.shuffle(lots)
    a0, b0, a1, b1 = lots[0]
    size = ((a1 - a0) * random.uniform(0.6, 0.8), (b1 - b0) * random.uniform(0.6, 0.85))
    boxes = [Box(((a0 + a1) / 2, (b0 + b1) / 2), size, KERB, KERB + random.uniform(6.5, 15.0), 0.0, "building")]
    surfaces = [Surface("slabs", rectangle(lots[1]), KERB + 2 * LAYER)]
    plaza_surfaces, plaza_boxes = _plaza(lots[1], random)
    surfaces += [Surface(surface.kind, surface.outline, surface.z + LAYER) for surface in plaza_surfaces]
    return surfaces, boxes + plaza_boxes


def _street_furniture(rect: Rect, random: np.random.Generator) -> list[Box]:
    """Return lamps along the kerbs."""
    x0, y0, x1, y1 = _shrink(rect, 0.5)
    spots = [(x, y) for x in np.arange(x0 + 6, x1 - 3, 16.0) for y in (y0, y1)]
    spots += [(x, y) for y in np.arange(y0 + 10, y1 - 3, 16.0) for x in (x0, x1)]
    spots = [(float(x), float(y)) for x, y in spots if random.random() < 0.7]
    return [Box(spot, (0.16, 0.16), KERB, KERB + 4.6, 0.0, "lamp") for spot in spots]


def _clip(rect: Rect) -> Rect:
    """Return the part of a rectangle in which people walk."""
    x0, y0, x1, y1 = (float(np.clip(edge, -HALF_SIDE, HALF_SIDE)) for edge in rect)
    return (x0, y0, x1, y1)


def _shrink(rect: Rect, by: float) -> Rect:
    """Return a rectangle with each side moved in by `by` metres."""
    x0, y0, x1, y1 = rect
    return (x0 + by, y0 + by, x1 - by, y1 - by)


def _scatter(
    rect: Rect, count: int, distance: float, margin: float, random: np.random.Generator
) -> list[tuple[float, float]]:
    """Return up to `count` places in a rectangle with at least `distance` metres between them."""
    x0, y0, x1, y1 = _shrink(rect, margin)
    places: list[tuple[float, float]] = []
    if x1 <= x0 or y1 <= y0:
        return places
    xs, ys = random.uniform(x0, x1, 12 * count), random.uniform(y0, y1, 12 * count)
    for x, y in zip(xs.tolist(), ys.tolist(), strict=True):
        if len(places) < count and all(math.hypot(x - px, y - py) > distance for px, py in places):
            places.append((x, y))
    return places


def _clear_of(boxes: Sequence[Box], places: Sequence[tuple[float, float]], margin: float) -> list[tuple[float, float]]:
    """Return the places at least `margin` metres from the (unturned) outlines of all boxes."""

    def is_clear(x: float, y: float, box: Box) -> bool:
        (center_x, center_y), (width, depth) = box.center, box.size
        return abs(x - center_x) > width / 2 + margin or abs(y - center_y) > depth / 2 + margin

    return [(x, y) for x, y in places if all(is_clear(x, y, box) for box in boxes)]
