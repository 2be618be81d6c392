"""Meshes of people: surfaces around the tubes of the bodies, coloured by the clothes, with light per vertex."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.meshes import Mesh
from simulator.rendering.people.appearance import TARGET, appearance_of
from simulator.rendering.people.skeleton import PARTS, RINGS, Tubes, body_tubes
from simulator.types import FloatArray, Person
from simulator.world.city import Light

HAIR_FOLDS = {"hair": 0.3, "mane": 0.3}  # unevenness of the brightness
FOLDS = 0.1  # of clothes and skin


@dataclass(frozen=True)
class Detail:
    """Resolution of the tubes: sides around, and the indices of the rings along; two rings make a prism."""

    sides: int
    rings: tuple[int, ...]


DETAILS = (Detail(8, (0, 1, 2, 3, 4)), Detail(6, (0, 1, 3, 4)), Detail(4, (0, 4)))
DETAIL_RANGES = (6.0, 18.0)  # m, distances at which the next detail begins


def figure_meshes(people: Sequence[Person], distances: FloatArray, sunlit: FloatArray, light: Light) -> list[Mesh]:
    """Return meshes of all `people` (at least one) in world coordinates, nearer ones with more detail.

    Args:
        people: to be drawn.
        distances: (n,) metres from the camera.
        sunlit: (n,) 0..1, fraction of the sun that reaches each.
        light: sun and sky.
    """
    looks = [TARGET if person.is_target else appearance_of(person.appearance_seed) for person in people]
    tubes = body_tubes(people, looks)
    colors = np.array([look.colors for look in looks])  # (n, parts, 3)
    heights = np.array([look.height for look in looks])
    levels = np.digitize(distances, DETAIL_RANGES)
    meshes = []
    for level, detail in enumerate(DETAILS):
        rows = np.flatnonzero(levels == level)
        if len(rows):
            chosen = [people[int(row)] for row in rows]
            meshes.append(_figures(chosen, heights[rows], tubes[rows], colors[rows], sunlit[rows], light, detail))
    return meshes


def _figures(
    people: Sequence[Person],
    heights: FloatArray,
    tubes: Tubes,
    colors: FloatArray,
    sunlit: FloatArray,
    light: Light,
    detail: Detail,
) -> Mesh:
    count = len(people)
    positions, normals = _surfaces(tubes, detail)
    vertices_per_tube = positions.shape[2]
    places = np.array([(person.x, person.y, person.z, person.heading) for person in people])
    cos, sin = np.cos(places[:, 3]), np.sin(places[:, 3])
    turns = np.zeros((count, 3, 3))
    turns[:, 0, 0], turns[:, 0, 1], turns[:, 1, 0], turns[:, 1, 1], turns[:, 2, 2] = cos, sin, -sin, cos, 1
    world = (positions.reshape(count, -1, 3) @ turns) * heights[:, None, None] + places[:, None, :3]
    normals = normals.reshape(count, -1, 3) @ turns
    direct = np.maximum(normals @ light.direction, 0) * sunlit[:, None]
    brightness = light.sun * direct + light.ambient * (0.75 + 0.3 * normals[..., 2])
    # Seeded by the person, so that the folds are the same in every frame.
    seeds = np.array([person.appearance_seed % 997 for person in people])[:, None]
    folds = np.repeat([HAIR_FOLDS.get(name, FOLDS) for name in PARTS], vertices_per_tube)
    brightness *= 1 + folds * np.sin(np.arange(world.shape[1]) * 2.4 + seeds)
    shaded = np.repeat(colors, vertices_per_tube, axis=1) * brightness[..., None]
    offsets = (np.arange(count) * world.shape[1])[:, None, None]
    return Mesh(world.reshape(-1, 3), shaded.reshape(-1, 3), (_triangles(detail) + offsets).reshape(-1, 3))


def _surfaces(tubes: Tubes, detail: Detail) -> tuple[FloatArray, FloatArray]:
    """Return vertices and normals of the tubes, (n, parts, rings * sides, 3) each."""
    rings = list(detail.rings)
    places = np.array(RINGS)[rings]
    profiles = np.array([profile for profile, _ in PARTS.values()])[:, rings]
    if len(rings) == 2:
        profiles = np.ones_like(profiles)
    width_ratios = np.array([ratio for _, ratio in PARTS.values()])
    along = tubes.ends - tubes.starts
    axis = along / np.linalg.norm(along, axis=-1, keepdims=True)
    across = np.array([0.0, 1.0, 0.0])
    # The cross product of across and axis, written out: np.cross is slow on small arrays.
    front = np.stack([axis[..., 2], np.zeros_like(axis[..., 0]), -axis[..., 0]], axis=-1)
    front /= np.linalg.norm(front, axis=-1, keepdims=True)
    turn = (np.arange(detail.sides) + 0.5) * (2 * np.pi / detail.sides)
    ahead, aside = np.cos(turn)[:, None] * front[:, :, None], np.sin(turn)[:, None] * across
    around = ahead + aside * width_ratios[:, None, None]  # (n, parts, sides, 3)
    centres = tubes.starts[:, :, None] + places[:, None] * along[:, :, None]  # (n, parts, rings, 3)
    radii = (tubes.radii[..., :1] * (1 - places) + tubes.radii[..., 1:] * places) * profiles
    vertices = centres[:, :, :, None] + radii[..., None, None] * around[:, :, None]
    slant = (2 * places - 1) * (1 - 0.8 * profiles)  # (parts, rings): the ends face along the axis
    normals = (ahead + aside)[:, :, None] + slant[..., None, None] * axis[:, :, None, None]
    normals /= np.sqrt(1 + slant**2)[..., None, None]
    shape = (*along.shape[:2], len(rings) * detail.sides, 3)
    return vertices.reshape(shape), normals.reshape(shape)


@cache
def _triangles(detail: Detail) -> NDArray[np.int64]:
    """Return the indices of one figure, (1, m, 3): the sides of its tubes, and their two ends."""
    sides, rings = detail.sides, len(detail.rings)
    side, fan, last = np.arange(sides), np.arange(1, sides - 1), (rings - 1) * sides
    after = (side + 1) % sides
    bands = [np.stack([0 * fan, fan + 1, fan], axis=1), np.stack([0 * fan + last, last + fan, last + fan + 1], axis=1)]
    for ring in range(rings - 1):
        low, high = ring * sides, (ring + 1) * sides
        bands.append(np.stack([low + side, low + after, high + after], axis=1))
        bands.append(np.stack([low + side, high + after, high + side], axis=1))
    tube = np.concatenate(bands)
    return (tube + (np.arange(len(PARTS)) * rings * sides)[:, None, None]).reshape(1, -1, 3)
