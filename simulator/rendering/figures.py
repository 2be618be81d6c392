"""Meshes of people: surfaces around the tubes of the bodies, coloured by the clothes, with light per vertex."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import TARGET, appearance_of
from simulator.rendering.meshes import Mesh
from simulator.rendering.skeleton import PARTS, RINGS, Tubes, body_tubes
from simulator.types import FloatArray, Person
from simulator.world.city import Light

HAIR, HAIR_FOLDS, FOLDS = ("hair", "mane"), 0.3, 0.1  # unevenness of the brightness: of hair, of clothes and skin
# Resolution of the tubes: sides around, and the indices of the rings along; two rings make a prism.
DETAILS = ((8, (0, 1, 2, 3, 4)), (6, (0, 1, 3, 4)), (4, (0, 4)))
DETAIL_RANGES = (6.0, 18.0)  # m, distances at which the next detail begins


def figure_meshes(people: Sequence[Person], distances: FloatArray, sunlit: FloatArray, light: Light) -> list[Mesh]:
    """Return meshes of all `people` in world coordinates, nearer ones with more detail.

    `distances` from the camera in metres, (n,); `sunlit`: the fraction of the sun that reaches each, (n,).
    """
    levels = np.digitize(distances, DETAIL_RANGES)
    meshes = []
    for level, (sides, rings) in enumerate(DETAILS):
        if rows := np.flatnonzero(levels == level).tolist():
            meshes.append(_figures([people[row] for row in rows], sunlit[rows], light, sides, rings))
    return meshes


def _figures(people: Sequence[Person], sunlit: FloatArray, light: Light, sides: int, rings: tuple[int, ...]) -> Mesh:
    count = len(people)
    looks = [TARGET if person.is_target else appearance_of(person.appearance_seed) for person in people]
    positions, normals = _surfaces(body_tubes(people, looks), sides, list(rings))
    vertices_per_tube = positions.shape[2]
    places = np.array([(person.x, person.y, person.z, person.heading) for person in people])
    cos, sin = np.cos(places[:, 3]), np.sin(places[:, 3])
    turns = np.zeros((count, 3, 3))
    turns[:, 0, 0], turns[:, 0, 1], turns[:, 1, 0], turns[:, 1, 1], turns[:, 2, 2] = cos, sin, -sin, cos, 1
    heights = np.array([look.height for look in looks])[:, None, None]
    world = (positions.reshape(count, -1, 3) @ turns) * heights + places[:, None, :3]
    normals = normals.reshape(count, -1, 3) @ turns
    direct = np.maximum(normals @ light.direction, 0) * sunlit[:, None]
    brightness = light.sun * direct + light.ambient * (0.75 + 0.3 * normals[..., 2])
    # Seeded by the person, so that the folds are the same in every frame.
    seeds = np.array([person.appearance_seed % 997 for person in people])[:, None]
    folds = np.repeat([HAIR_FOLDS if name in HAIR else FOLDS for name in PARTS], vertices_per_tube)
    brightness *= 1 + folds * np.sin(np.arange(world.shape[1]) * 2.4 + seeds)
    colors = np.repeat([look.colors for look in looks], vertices_per_tube, axis=1) * brightness[..., None]
    offsets = (np.arange(count) * world.shape[1])[:, None, None]
    triangles = (_triangles(sides, len(rings)) + offsets).reshape(-1, 3)
    return Mesh(world.reshape(-1, 3), colors.reshape(-1, 3), triangles, np.zeros((count * world.shape[1], 2)))


def _surfaces(tubes: Tubes, sides: int, rings: list[int]) -> tuple[FloatArray, FloatArray]:
    """Return vertices and normals of the tubes, (n, parts, rings * sides, 3) each."""
    starts, ends, end_radii = tubes
    places = np.array(RINGS)[rings]
    profiles = np.array([profile for profile, _ in PARTS.values()])[:, rings]
    if len(rings) == 2:
        profiles = np.ones_like(profiles)
    width_ratios = np.array([ratio for _, ratio in PARTS.values()])
    along = ends - starts
    axis = along / np.linalg.norm(along, axis=-1, keepdims=True)
    across = np.array([0.0, 1.0, 0.0])
    # The cross product of across and axis, written out: np.cross is slow on small arrays.
    front = np.stack([axis[..., 2], np.zeros_like(axis[..., 0]), -axis[..., 0]], axis=-1)
    front /= np.linalg.norm(front, axis=-1, keepdims=True)
    turn = (np.arange(sides) + 0.5) * (2 * np.pi / sides)
    ahead, aside = np.cos(turn)[:, None] * front[:, :, None], np.sin(turn)[:, None] * across
    around = ahead + aside * width_ratios[:, None, None]  # (n, parts, sides, 3)
    centres = starts[:, :, None] + places[:, None] * along[:, :, None]  # (n, parts, rings, 3)
    radii = (end_radii[..., :1] * (1 - places) + end_radii[..., 1:] * places) * profiles
    vertices = centres[:, :, :, None] + radii[..., None, None] * around[:, :, None]
    slant = (2 * places - 1) * (1 - 0.8 * profiles)  # (parts, rings): the ends face along the axis
    normals = (ahead + aside)[:, :, None] + slant[..., None, None] * axis[:, :, None, None]
    normals /= np.sqrt(1 + slant**2)[..., None, None]
    shape = (*along.shape[:2], len(rings) * sides, 3)
    return vertices.reshape(shape), normals.reshape(shape)


@cache
def _triangles(sides: int, rings: int) -> NDArray[np.int64]:
    """Return the indices of one figure, (1, m, 3): the sides of its tubes, and their two ends."""
    side, fan, last = np.arange(sides), np.arange(1, sides - 1), (rings - 1) * sides
    after = (side + 1) % sides
    bands = [np.stack([0 * fan, fan + 1, fan], axis=1), np.stack([0 * fan + last, last + fan, last + fan + 1], axis=1)]
    for ring in range(rings - 1):
        low, high = ring * sides, (ring + 1) * sides
        bands.append(np.stack([low + side, low + after, high + after], axis=1))
        bands.append(np.stack([low + side, high + after, high + side], axis=1))
    tube = np.concatenate(bands)
    return (tube + (np.arange(len(PARTS)) * rings * sides)[:, None, None]).reshape(1, -1, 3)
