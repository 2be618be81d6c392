"""Meshes of the city's boxes by kind: buildings, trees, street furniture."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from simulator.rendering.ground_light import LAMP_COLOR
from simulator.rendering.meshes import Mesh, blob, block, brightness, flat_shaded, frustum, level, walls
from simulator.rendering.windows import lit_windows
from simulator.types import Box
from simulator.world.city import Light

STOREY_HEIGHT, BAY_WIDTH = 3.3, 3.4  # m
ROOF_HEIGHT = 2.2  # m, of a hipped roof
WALL_COLORS = (
    (0.66, 0.71, 0.74),
    (0.86, 0.84, 0.80),
    (0.78, 0.55, 0.60),
    (0.60, 0.66, 0.70),
    (0.80, 0.74, 0.62),
    (0.55, 0.34, 0.28),
)
ROOF_COLORS = ((0.36, 0.38, 0.42), (0.45, 0.28, 0.22), (0.30, 0.31, 0.33))
SIGN_COLORS = ((0.20, 0.34, 0.52), (0.62, 0.20, 0.16), (0.24, 0.40, 0.28), (0.74, 0.62, 0.28), (0.80, 0.80, 0.78))
VAN_COLORS = ((0.85, 0.85, 0.84), (0.30, 0.33, 0.38), (0.62, 0.14, 0.12), (0.18, 0.28, 0.50))
ROCK_COLOR = (0.60, 0.58, 0.55)
PLANTER_COLORS, SOIL = ((0.50, 0.16, 0.15), (0.62, 0.62, 0.60)), (0.35, 0.30, 0.18)
FOLIAGE_COLORS = (
    (0.16, 0.34, 0.08),
    (0.22, 0.42, 0.10),
    (0.30, 0.45, 0.12),
    (0.75, 0.50, 0.10),
    (0.62, 0.12, 0.14),
    (0.60, 0.16, 0.42),
    (0.62, 0.60, 0.80),
)
CROWN_ODDS, BUSH_ODDS = (0.25, 0.25, 0.2, 0.1, 0.08, 0.06, 0.06), (0.4, 0.3, 0.2, 0.1)
PLAIN = {  # kinds drawn as plain boxes: material, colour, metres that a texture covers
    "hedge": ("leaves", (0.26, 0.50, 0.14), 1.2),
    "bench": ("stone", (0.50, 0.34, 0.20), 1.0),
    "trunk": ("stone", (0.42, 0.34, 0.26), 1.0),
    "lamp": ("stone", (0.22, 0.23, 0.24), 1.0),
    "roof": ("roof", (0.46, 0.44, 0.42), 4.0),
    "pillar": ("stone", (0.66, 0.64, 0.60), 1.5),
    "wall": ("stone", (0.62, 0.58, 0.52), 3.0),
}

Parts = Iterator[tuple[str, Mesh]]  # material, mesh


def box_meshes(box: Box, light: Light, random: np.random.Generator) -> Parts:
    """Return the meshes of a box, each with the name of its material."""
    if box.kind in PLAIN:
        material, color, tile = PLAIN[box.kind]
        yield material, block(box, light, color, tile)
    match box.kind:
        case "building":
            yield from _building(box, light, random)
        case "crown":
            yield from _crown(box, light, random)
        case "planter":
            yield from _planter(box, light)
        case "bush":
            green = np.array(FOLIAGE_COLORS[random.choice(len(BUSH_ODDS), p=BUSH_ODDS)]) * 1.6
            yield "leaves", blob(box.middle, box.half_axes, green, light, random, tile=1.5, roughness=0.2)
        case "kiosk":
            yield from _kiosk(box, light, random)
        case "van":
            yield from _van(box, light, random)
        case "hoarding":
            yield "stone", block(box, light, SIGN_COLORS[random.integers(len(SIGN_COLORS))], 3.0)
        case "rock":
            yield "stone", blob(box.middle, box.half_axes, ROCK_COLOR, light, random, tile=1.0, roughness=0.15)
        case "lamp":  # its head
            head = replace(box, size=(0.5, 0.5), bottom=box.top - 0.45)
            glow = replace(light, sun=0.0, ambient=1.4, sky_color=LAMP_COLOR) if light.lamps else light
            yield "stone", block(head, glow, (0.85, 0.85, 0.80), 1.0)


def _building(box: Box, light: Light, random: np.random.Generator) -> Parts:
    color = np.array(WALL_COLORS[random.integers(len(WALL_COLORS))]) * random.uniform(0.9, 1.1)
    style = "brick" if color[0] > 1.5 * color[2] else str(random.choice(["plaster", "plain"]))
    hipped = random.random() < 0.5
    eaves = box.top - (ROOF_HEIGHT if hipped else 0.0)
    storeys = max(1, round((eaves - box.bottom) / STOREY_HEIGHT))
    outline = box.outline()
    sides = np.roll(outline, -1, axis=0) - outline
    normals = np.column_stack([sides[:, 1], -sides[:, 0], np.zeros(4)]) / np.hypot(*sides.T)[:, None]
    colors = color * brightness(normals, light)
    yield style, walls(outline, box.bottom, eaves, colors, (BAY_WIDTH, (eaves - box.bottom) / storeys))
    if light.lamps:
        chance = random.spawn(1)[0]  # the other choices stay those of the day
        yield "stone", lit_windows(outline, box.bottom, eaves, storeys, BAY_WIDTH, chance)
    yield "stone", block(_grown(box, 0.16, box.bottom, box.bottom + 0.8), light, (0.42, 0.42, 0.43))
    roof_color = ROOF_COLORS[random.integers(len(ROOF_COLORS))]
    if hipped:
        ridge = box.outline(-min(box.size) * 0.33)
        yield "roof", frustum(level(box.outline(0.35), eaves), level(ridge, box.top), roof_color, light, 4.0)
    else:
        yield "stone", block(_grown(box, 0.5, eaves - 0.45, eaves), light, color * 0.85)
        yield "roof", block(_grown(box, 0.0, eaves - 0.1, eaves + 0.02), light, roof_color, 4.0)


def _grown(box: Box, by: float, bottom: float, top: float) -> Box:
    """Return a part of a box between two heights, `by` metres larger."""
    return replace(box, size=(box.size[0] + by, box.size[1] + by), bottom=bottom, top=top)


def _crown(box: Box, light: Light, random: np.random.Generator) -> Parts:
    color = np.array(FOLIAGE_COLORS[random.choice(len(FOLIAGE_COLORS), p=CROWN_ODDS)]) * 1.6
    (x, y, middle), (width, _, height) = box.middle, box.half_axes
    yield "leaves", blob((x, y, middle), (width * 0.85, width * 0.85, height), color, light, random)
    for _ in range(3):
        turn, z = random.uniform(0, 2 * np.pi), random.uniform(-0.45, 0.35) * height
        off = width * 0.5
        center = (x + off * np.cos(turn), y + off * np.sin(turn), middle + z)
        radii = (width * 0.55, width * 0.55, height * 0.5)
        yield "leaves", blob(center, radii, color * random.uniform(0.8, 1.2), light, random)


def _kiosk(box: Box, light: Light, random: np.random.Generator) -> Parts:
    """Return a booth with a counter and a wide flat roof."""
    color = np.array(SIGN_COLORS[random.integers(len(SIGN_COLORS))])
    yield "stone", block(replace(box, top=box.top - 0.2), light, color)
    yield "stone", block(_grown(box, 0.04, box.bottom + 1.0, box.top - 0.9), light, (0.13, 0.14, 0.16))
    yield "roof", block(_grown(box, 0.5, box.top - 0.2, box.top), light, color * 0.6, 4.0)


def _van(box: Box, light: Light, random: np.random.Generator) -> Parts:
    """Return a body with a bonnet, windows and wheels; its front is at the box's +x."""
    color = VAN_COLORS[random.integers(len(VAN_COLORS))]
    ahead = np.array([np.cos(box.yaw), np.sin(box.yaw)])
    length, width = box.size

    def part(forward: float, size: tuple[float, float], bottom: float, top: float) -> Box:
        x, y = (np.array(box.center) + ahead * forward * length).tolist()
        return replace(box, center=(x, y), size=size, bottom=box.bottom + bottom, top=min(box.bottom + top, box.top))

    yield "stone", block(part(-0.1, (0.8 * length, width), 0.35, 9.0), light, color)
    yield "stone", block(part(0.4, (0.2 * length, width), 0.35, 1.2), light, color)
    yield "stone", block(part(0.12, (0.4 * length, width + 0.04), 1.25, 1.85), light, (0.10, 0.12, 0.15))
    for forward in (-0.33, 0.33):
        yield "stone", block(part(forward, (0.7, width + 0.02), 0.0, 0.7), light, (0.08, 0.08, 0.08))


def _planter(box: Box, light: Light) -> Parts:
    """Return a round wall of alternating red and grey stones, filled with soil."""
    radius, count = box.size[0] / 2, 16
    turn = np.arange(count) / count * 2 * np.pi
    rim = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    wall, soil = (np.array(box.center) + radius * fraction * rim for fraction in (1.0, 0.84))
    low, high = level(wall, box.bottom), level(wall, box.top)
    for k in range(count):
        j = (k + 1) % count
        faces = [(high[k], high[j], (*box.center, box.top)), (low[k], low[j], high[j]), (low[k], high[j], high[k])]
        yield "stone", flat_shaded(np.array(faces), PLANTER_COLORS[k % 2], light, 2.0)
    surface = level(soil, box.top + 0.03)
    fan = [(surface[k], surface[(k + 1) % count], (*box.center, box.top + 0.03)) for k in range(count)]
    yield "stone", flat_shaded(np.array(fan), SOIL, light, 2.0)
