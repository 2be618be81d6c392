"""People as triangles: the skin around the tubes of a body, coloured by its clothes and lit vertex by vertex."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from simulator.contract import Person
from simulator.rendering.meshes import Mesh
from simulator.rendering.skeleton import PARTS, RINGS, Tubes, body_tubes
from simulator.rendering.wardrobe import HERO, Appearance, appearance

FOLDS = {"hair": 0.3, "mane": 0.3}  # unevenness of the brightness; of clothes and skin:
FOLD = 0.1


@dataclass(frozen=True)
class Detail:
    """How fine the tubes are: sides around, and which of the rings along; two rings make a prism from end to end."""

    sides: int
    rings: tuple[int, ...]


DETAILS = (Detail(8, (0, 1, 2, 3, 4)), Detail(6, (0, 1, 3, 4)), Detail(4, (0, 4)))
DETAIL_RANGES = (6.0, 18.0)  # m at which the next one does


@dataclass(frozen=True)
class Sunlight:
    """What lights the people."""

    towards: np.ndarray  # (3,) unit vector towards the sun
    sun: float
    ambient: float


def looks(person: Person) -> Appearance:
    """What this person wears."""
    return HERO if person.is_hero else appearance(person.appearance_seed)


def figure_meshes(people: Sequence[Person], distances: np.ndarray, lit: np.ndarray, light: Sunlight) -> list[Mesh]:
    """Meshes of all `people` (at least one) in world coordinates, nearer ones finer.

    Args:
        people: who is to be drawn.
        distances: (n,) metres from the camera.
        lit: (n,) 0..1, how much of the sun reaches each.
        light: the sun and the sky.
    """
    dresses = [looks(person) for person in people]
    tubes = body_tubes(people, dresses)
    colors = np.array([dress.colors for dress in dresses])  # (n, parts, 3)
    level = np.digitize(distances, DETAIL_RANGES)
    meshes = []
    for number, detail in enumerate(DETAILS):
        rows = np.flatnonzero(level == number)
        if len(rows):
            some = Tubes(tubes.starts[rows], tubes.ends[rows], tubes.radii[rows])
            chosen, heights = [people[row] for row in rows], np.array([dresses[row].height for row in rows])
            meshes.append(_figures(chosen, heights, some, colors[rows], lit[rows], light, detail))
    return meshes


def _figures(
    people: Sequence[Person],
    heights: np.ndarray,
    tubes: Tubes,
    colors: np.ndarray,
    lit: np.ndarray,
    light: Sunlight,
    detail: Detail,
) -> Mesh:
    count = len(people)
    positions, normals = _skin(tubes, detail)
    each = positions.shape[2]  # vertices of a tube
    places = np.array([(person.x, person.y, person.z, person.heading) for person in people])
    cos, sin = np.cos(places[:, 3]), np.sin(places[:, 3])
    turns = np.zeros((count, 3, 3))
    turns[:, 0, 0], turns[:, 0, 1], turns[:, 1, 0], turns[:, 1, 1], turns[:, 2, 2] = cos, sin, -sin, cos, 1
    world = (positions.reshape(count, -1, 3) @ turns) * heights[:, None, None] + places[:, None, :3]
    normals = normals.reshape(count, -1, 3) @ turns
    direct = np.maximum(normals @ light.towards, 0) * lit[:, None]
    bright = light.sun * direct + light.ambient * (0.75 + 0.3 * normals[..., 2])
    # The same folds for a person in every frame.
    seeds = np.array([person.appearance_seed % 997 for person in people])[:, None]
    folds = np.repeat([FOLDS.get(name, FOLD) for name in PARTS], each)
    bright *= 1 + folds * np.sin(np.arange(world.shape[1]) * 2.4 + seeds)
    shaded = np.repeat(colors, each, axis=1) * bright[..., None]
    offsets = (np.arange(count) * world.shape[1])[:, None, None]
    return Mesh(world.reshape(-1, 3), shaded.reshape(-1, 3), (_triangles(detail) + offsets).reshape(-1, 3))


def _skin(tubes: Tubes, detail: Detail) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and normals, (n, parts, rings * sides, 3) each."""
    rings = list(detail.rings)
    places = np.array(RINGS)[rings]
    shares = np.array([profile for profile, _ in PARTS.values()])[:, rings]
    if len(rings) == 2:
        shares = np.ones_like(shares)
    ratios = np.array([ratio for _, ratio in PARTS.values()])
    along = tubes.ends - tubes.starts
    axis = along / np.linalg.norm(along, axis=-1, keepdims=True)
    across = np.array([0.0, 1.0, 0.0])
    # across x axis, written out: np.cross is slow on small arrays.
    front = np.stack([axis[..., 2], np.zeros_like(axis[..., 0]), -axis[..., 0]], axis=-1)
    front /= np.linalg.norm(front, axis=-1, keepdims=True)
    turn = (np.arange(detail.sides) + 0.5) * (2 * np.pi / detail.sides)
    ahead, aside = np.cos(turn)[:, None] * front[:, :, None], np.sin(turn)[:, None] * across
    around = ahead + aside * ratios[:, None, None]  # (n, parts, sides, 3)
    centres = tubes.starts[:, :, None] + places[:, None] * along[:, :, None]  # (n, parts, rings, 3)
    thick = (tubes.radii[..., :1] * (1 - places) + tubes.radii[..., 1:] * places) * shares
    vertices = centres[:, :, :, None] + thick[..., None, None] * around[:, :, None]
    slant = (2 * places - 1) * (1 - 0.8 * shares)  # (parts, rings): the ends look along the axis
    normals = (ahead + aside)[:, :, None] + slant[..., None, None] * axis[:, :, None, None]
    normals /= np.sqrt(1 + slant**2)[..., None, None]
    shape = (*along.shape[:2], len(rings) * detail.sides, 3)
    return vertices.reshape(shape), normals.reshape(shape)


@cache
def _triangles(detail: Detail) -> np.ndarray:
    """(1, m, 3) indices of one figure: the sides of the tubes, and their two ends."""
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
