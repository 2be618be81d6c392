"""People as articulated figures: joints from the walk, tapered tubes between the joints, lit vertex by vertex."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from simulator.contract import Person
from simulator.rendering.meshes import Mesh
from simulator.rendering.wardrobe import HERO, Appearance, appearance

SWING, STRIDE_SPEED = 0.55, 1.4  # rad of the legs, m/s at which it is reached
# Profiles of a tube along its length: places 0..1, radii as a share.
ROUND = ((0.0, 0.3), (0.12, 0.85), (0.5, 1.0), (0.88, 0.85), (1.0, 0.3))
BALL = ((0.0, 0.25), (0.2, 0.8), (0.5, 1.0), (0.8, 0.8), (1.0, 0.25))
FLAT = ((0.0, 0.9), (0.1, 1.0), (0.5, 1.0), (0.9, 1.0), (1.0, 0.9))


@dataclass(frozen=True)
class Detail:
    """How fine the tubes are: sides around and which of the five rings along."""

    sides: int
    rings: tuple[int, ...]


DETAILS = (Detail(8, (0, 1, 2, 3, 4)), Detail(6, (0, 1, 3, 4)), Detail(4, (1, 3)))
DETAIL_RANGES = (9.0, 26.0)  # m


def looks(person: Person) -> Appearance:
    """What this person wears."""
    return HERO if person.is_hero else appearance(person.appearance_seed)


def figure_mesh(
    people: Sequence[Person], lit: np.ndarray, sun: np.ndarray, strengths: tuple[float, float], detail: Detail
) -> Mesh:
    """All `people` in one mesh, world coordinates.

    Args:
        people: at least one.
        lit: (n,) 0..1, how much of the sun reaches each.
        sun: (3,) unit vector towards the sun.
        strengths: of the sun and of the ambient light.
        detail: how fine.
    """
    dresses = [looks(person) for person in people]
    starts, ends, radii, ratios, profiles = _tubes(people, dresses)
    colors = np.array([_colors(dress) for dress in dresses])  # (n, parts, 3)
    positions, normals = _skin(starts, ends, radii, ratios, profiles, detail)
    headings = np.array([person.heading for person in people])
    cos, sin = np.cos(headings), np.sin(headings)
    turns = np.zeros((len(people), 3, 3))
    turns[:, 0, 0], turns[:, 0, 1], turns[:, 1, 0], turns[:, 1, 1], turns[:, 2, 2] = cos, sin, -sin, cos, 1
    heights = np.array([dress.height for dress in dresses])[:, None, None]
    feet = np.array([(person.x, person.y, person.z) for person in people])[:, None]
    count = positions.shape[1] * positions.shape[2]
    world = (positions.reshape(len(people), -1, 3) @ turns) * heights + feet
    normals = normals.reshape(len(people), -1, 3) @ turns
    direct = np.maximum(normals @ sun, 0) * lit[:, None]
    light = strengths[0] * direct + strengths[1] * (0.75 + 0.35 * normals[..., 2])
    # A little unevenness, as of folds: the same for a person in every frame.
    seeds = np.array([person.appearance_seed % 997 for person in people])[:, None]
    light = light * (1 + 0.10 * np.sin(np.arange(count) * 2.4 + seeds))
    shaded = np.repeat(colors, positions.shape[2], axis=1) * light[..., None]
    triangles = _triangles(positions.shape[1], detail)
    offsets = (np.arange(len(people)) * count)[:, None, None]
    return Mesh(world.reshape(-1, 3), shaded.reshape(-1, 3), (triangles + offsets).reshape(-1, 3))


def _colors(dress: Appearance) -> list[tuple[float, float, float]]:
    legs = [dress.bottom if dress.shins is dress.bottom or dress.hem > 0.45 else dress.shins] * 2
    return [
        dress.cloth,
        dress.top,
        dress.skin,
        dress.skin,
        dress.hair,
        dress.hair,
        *legs,
        *[dress.shins] * 2,
        *[dress.shoes] * 2,
        *[dress.sleeves] * 2,
        *[dress.cuffs] * 2,
        *[dress.skin] * 2,
    ]


def _tubes(people: Sequence[Person], dresses: Sequence[Appearance]) -> tuple[np.ndarray, ...]:
    """Ends (n, parts, 3), radii (n, parts, 2), width / depth (parts,) and profile number (parts,); heights are 1."""
    n = len(people)
    gait = np.array([person.gait for person in people])
    stride = SWING * np.clip(np.array([person.speed for person in people]) / STRIDE_SPEED, 0, 1.3)
    build = np.array([dress.build for dress in dresses])
    hem, flare = np.array([(dress.hem, dress.flare) for dress in dresses]).T
    long_hair = np.array([dress.long_hair for dress in dresses])
    starts, ends, radii = [], [], []

    def add(start, end, start_radius, end_radius):
        starts.append(np.broadcast_to(np.stack(np.broadcast_arrays(*start), axis=-1), (n, 3)))
        ends.append(np.broadcast_to(np.stack(np.broadcast_arrays(*end), axis=-1), (n, 3)))
        radii.append(np.stack(np.broadcast_arrays(start_radius * np.ones(n), end_radius * np.ones(n)), axis=-1))

    lean = 0.02 * stride / SWING
    shoulder_z = 0.82
    add((0, 0, hem), (0, 0, 0.61), flare * build, 0.068 * build)
    add((0, 0, 0.575), (lean, 0, 0.845), 0.066 * build, 0.076 * build)
    add((lean + 0.005, 0, 0.82), (lean + 0.008, 0, 0.89), 0.032, 0.03)
    add((lean + 0.016, 0, 0.865), (lean + 0.01, 0, 0.995), 0.046, 0.054)
    add((lean - 0.008, 0, np.where(long_hair, 0.885, 0.91)), (lean + 0.004, 0, 1.008), 0.056, 0.06)
    down = np.where(long_hair, 0.79, 0.90)
    add(
        (lean - 0.05, 0, down), (lean - 0.03, 0, 0.99), np.where(long_hair, 0.05, 0.02), np.where(long_hair, 0.05, 0.02)
    )
    hips, knees, ankles, toes, elbows, wrists, tips = [], [], [], [], [], [], []
    for side in (1, -1):
        swing = stride * side * np.sin(gait)
        bend = stride * (0.15 + 0.9 * np.maximum(0, side * np.cos(gait)) ** 2)  # the leg that comes forward bends
        hip = (0.0, side * 0.052 * build, 0.53)
        knee = (hip[0] + 0.245 * np.sin(swing), hip[1], hip[2] - 0.245 * np.cos(swing))
        ankle = (knee[0] + 0.245 * np.sin(swing - bend), hip[1], knee[2] - 0.245 * np.cos(swing - bend))
        lower = swing - 0.6 * bend
        toe = (ankle[0] + 0.095 * np.cos(lower), hip[1], ankle[2] - 0.012 + 0.095 * np.sin(lower))
        heel = (ankle[0] - 0.02, hip[1], ankle[2] - 0.012)
        reach = 0.8 * -swing + 0.05
        shoulder = (lean, side * (0.098 * build + 0.012), shoulder_z)
        out = side * 0.03 * build
        elbow = (lean + 0.165 * np.sin(reach), shoulder[1] + out, shoulder_z - 0.165 * np.cos(reach))
        fore = reach + 0.25 + 0.5 * stride
        wrist = (elbow[0] + 0.14 * np.sin(fore), elbow[1], elbow[2] - 0.14 * np.cos(fore))
        tip = (wrist[0] + 0.06 * np.sin(fore), wrist[1], wrist[2] - 0.06 * np.cos(fore))
        hips.append(hip), knees.append(knee), ankles.append(ankle), toes.append((heel, toe))
        elbows.append((shoulder, elbow)), wrists.append((elbow, wrist)), tips.append((wrist, tip))
    for k in (0, 1):
        add(hips[k], knees[k], 0.052 * build, 0.038 * build)
    for k in (0, 1):
        add(knees[k], ankles[k], 0.037 * build, 0.024)
    for k in (0, 1):
        add(*toes[k], 0.027, 0.02)
    for k in (0, 1):
        add(*elbows[k], 0.032 * build, 0.026 * build)
    for k in (0, 1):
        add(*wrists[k], 0.025 * build, 0.019)
    for k in (0, 1):
        add(*tips[k], 0.019, 0.015)
    starts, ends = np.stack(starts, axis=1), np.stack(ends, axis=1)
    # Whatever the stride, the lower foot stands on the ground.
    lowest = np.minimum(ends[:, 8:10, 2].min(axis=1), ends[:, 10:12, 2].min(axis=1)) - 0.024
    lowest[:] = np.minimum(starts[:, 10:12, 2].min(axis=1), ends[:, 10:12, 2].min(axis=1)) - 0.024
    starts[..., 2] -= lowest[:, None]
    ends[..., 2] -= lowest[:, None]
    ratios = np.array([1.25, 1.45, 1, 0.9, 0.95, 1.3, *[1] * 4, *[1.2] * 2, *[1] * 6])
    profiles = np.array(
        [FLAT, ROUND, FLAT, BALL, BALL, ROUND, *[FLAT] * 4, *[ROUND] * 2, *[ROUND] * 2, *[FLAT] * 2, *[ROUND] * 2]
    )
    return starts, ends, np.stack(radii, axis=1), ratios, profiles


def _skin(starts, ends, radii, ratios, profiles, detail: Detail) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and normals, (n, parts, rings * sides, 3) each."""
    rings = list(detail.rings)
    places, shares = profiles[:, rings, 0], profiles[:, rings, 1]
    if len(rings) == 2:  # a plain prism from end to end
        places, shares = np.broadcast_to([0.0, 1.0], places.shape), np.ones_like(shares)
    axis = ends - starts
    axis = axis / np.maximum(np.linalg.norm(axis, axis=-1, keepdims=True), 1e-6)
    across = np.array([0.0, 1.0, 0.0])
    front = np.cross(np.broadcast_to(across, axis.shape), axis)
    front = front / np.maximum(np.linalg.norm(front, axis=-1, keepdims=True), 1e-6)
    turn = (np.arange(detail.sides) + 0.5) * (2 * np.pi / detail.sides)
    cos, sin = np.cos(turn), np.sin(turn)
    round_about = cos[:, None] * front[:, :, None] + (sin[:, None] * across) * ratios[None, :, None, None]
    normals = cos[:, None] * front[:, :, None] + (sin[:, None] * across)  # (n, parts, sides, 3)
    centres = starts[:, :, None] + places[None, :, :, None] * (ends - starts)[:, :, None]
    thick = radii[:, :, :1] + places[None] * (radii[:, :, 1:] - radii[:, :, :1])
    thick = (thick * shares[None])[..., None, None]
    vertices = centres[:, :, :, None] + thick * round_about[:, :, None]
    tilt = (places * 2 - 1)[None, :, :, None, None] * (1 - 0.8 * shares)[None, :, :, None, None]
    slanted = normals[:, :, None] + tilt * axis[:, :, None, None]
    slanted = slanted / np.linalg.norm(slanted, axis=-1, keepdims=True)
    shape = (*starts.shape[:2], len(rings) * detail.sides, 3)
    return vertices.reshape(shape), slanted.reshape(shape)


def _triangles(parts: int, detail: Detail) -> np.ndarray:
    """(1, m, 3) indices of one figure: the sides of the tubes, and their two ends."""
    sides, rings = detail.sides, len(detail.rings)
    side = np.arange(sides)
    after = (side + 1) % sides
    bands = []
    for ring in range(rings - 1):
        a, b, c, d = (ring * sides + side, ring * sides + after, (ring + 1) * sides + side, (ring + 1) * sides + after)
        bands += [np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)]
    fan = np.arange(1, sides - 1)
    last = (rings - 1) * sides
    bands += [np.stack([0 * fan, fan + 1, fan], axis=1), np.stack([0 * fan + last, last + fan, last + fan + 1], axis=1)]
    one = np.concatenate(bands)
    return (one[None] + (np.arange(parts) * rings * sides)[:, None, None]).reshape(1, -1, 3)
