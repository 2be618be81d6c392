"""Meshes of people: bodies of tubes, posed by the phase of the walk cycle, coloured by the clothes, lit per vertex."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from simulator.rendering.appearance import Appearance, appearance_of_person
from simulator.rendering.meshes import Mesh
from simulator.types import FloatArray, Person
from simulator.world.city import Light

LEG_SWING, FULL_SWING_SPEED = 0.55, 1.4  # rad, reached at m/s
RINGS = (0.0, 0.15, 0.5, 0.85, 1.0)  # places along a tube, as fractions of its length
# Profiles: radii at RINGS, as fractions of the tube's radius.
ROUND = (0.3, 0.85, 1.0, 0.85, 0.3)
BALL = (0.25, 0.78, 1.0, 0.78, 0.25)
FLAT = (0.9, 1.0, 1.0, 1.0, 0.9)

# name: (profile, width / depth), in the order of `Appearance.colors`. Lengths of bodies are fractions of the height.
BODY = {
    "pelvis": (FLAT, 1.25),
    "chest": (ROUND, 1.45),
    "neck": (FLAT, 1.0),
    "head": (BALL, 0.9),
    "hair": (BALL, 0.95),
    "mane": (ROUND, 1.4),
}
LIMBS = {
    "thigh": (FLAT, 1.0),
    "shin": (FLAT, 1.0),
    "shoe": (ROUND, 1.2),
    "upper arm": (ROUND, 1.0),
    "forearm": (FLAT, 1.0),
    "hand": (ROUND, 1.0),
}
PARTS = BODY | {f"{side} {name}": shape for name, shape in LIMBS.items() for side in ("left", "right")}
SHOES = slice(10, 12)

Length = FloatArray | float  # one for each person, or the same for all
Place = tuple[Length, Length, Length]
Tubes = tuple[FloatArray, FloatArray, FloatArray]  # starts and ends, (n, parts, 3); radii at both, (n, parts, 2)
HAIR, HAIR_FOLDS, FOLDS = ("hair", "mane"), 0.3, 0.1  # unevenness of the brightness: of hair, of clothes and skin
# Resolution of the tubes: sides around, and the indices of the rings along; two rings make a prism.
DETAILS = ((8, (0, 1, 2, 3, 4)), (6, (0, 1, 3, 4)), (4, (0, 4)))
DETAIL_RANGES = (6.0, 18.0)  # m, distances at which the next detail begins


def figure_meshes(
    people: Sequence[Person], distances: FloatArray, sunlit: FloatArray, lamplight: FloatArray, light: Light
) -> list[Mesh]:
    """Return meshes of all `people` in world coordinates, nearer ones with more detail.

    `distances` from the camera in metres, (n,); `sunlit`: the fraction of the sun that reaches each, (n,).
    `lamplight`: the light of lamps, (n, 3).
    """
    levels = np.digitize(distances, DETAIL_RANGES)
    meshes = []
    for level, (sides, rings) in enumerate(DETAILS):
        if rows := np.flatnonzero(levels == level).tolist():
            ambient = light.ambient * np.array(light.sky_color) + lamplight[rows]
            meshes.append(_figures([people[row] for row in rows], sunlit[rows], ambient, light, sides, rings))
    return meshes


def _figures(
    people: Sequence[Person],
    sunlit: FloatArray,
    ambient: FloatArray,
    light: Light,
    sides: int,
    rings: tuple[int, ...],
) -> Mesh:
    count = len(people)
    looks = [appearance_of_person(person) for person in people]
    positions, normals = _surfaces(_body_tubes(people, looks), sides, list(rings))
    vertices_per_tube = positions.shape[2]
    places = np.array([(person.x, person.y, person.z, person.heading) for person in people])
    cos, sin = np.cos(places[:, 3]), np.sin(places[:, 3])
    turns = np.zeros((count, 3, 3))
    turns[:, 0, 0], turns[:, 0, 1], turns[:, 1, 0], turns[:, 1, 1], turns[:, 2, 2] = cos, sin, -sin, cos, 1
    heights = np.array([look.height for look in looks])[:, None, None]
    world = (positions.reshape(count, -1, 3) @ turns) * heights + places[:, None, :3]
    normals = normals.reshape(count, -1, 3) @ turns
    direct = light.sun * (np.maximum(normals @ light.direction, 0) * sunlit[:, None])
    up = 0.75 + 0.3 * normals[..., 2]
    brightness = direct[..., None] * np.array(light.sun_color) + ambient[:, None] * up[..., None]
    # Seeded by the person, so that the folds are the same in every frame.
    seeds = np.array([person.appearance_seed % 997 for person in people])[:, None]
    folds = np.repeat([HAIR_FOLDS if name in HAIR else FOLDS for name in PARTS], vertices_per_tube)
    brightness *= (1 + folds * np.sin(np.arange(world.shape[1]) * 2.4 + seeds))[..., None]
    colors = np.repeat([look.colors for look in looks], vertices_per_tube, axis=1) * brightness
    offsets = (np.arange(count) * world.shape[1])[:, None, None]
    triangles = (_triangles(sides, len(rings)) + offsets).reshape(-1, 3)
    return Mesh(world.reshape(-1, 3), colors.reshape(-1, 3), triangles, np.zeros((count * world.shape[1], 2)))


def _body_tubes(people: Sequence[Person], looks: Sequence[Appearance]) -> Tubes:
    """Return the bodies of `people`, walking or standing, each in axes of its own: forward, left, up from the feet."""
    count, names = len(people), list(PARTS)
    starts, ends = np.zeros((count, len(names), 3)), np.zeros((count, len(names), 3))
    radii = np.zeros((count, len(names), 2))

    def put(name: str, start: Place, end: Place, radius: Length, end_radius: Length) -> None:
        part = names.index(name)
        for axis in range(3):
            starts[:, part, axis], ends[:, part, axis] = start[axis], end[axis]
        radii[:, part, 0], radii[:, part, 1] = radius, end_radius

    gait = np.array([person.gait for person in people])
    stride = LEG_SWING * np.clip(np.array([person.speed for person in people]) / FULL_SWING_SPEED, 0, 1.3)
    build = np.array([look.build for look in looks])
    hem, flare = np.array([(look.hem, look.flare) for look in looks]).T
    long_hair = np.array([look.long_hair for look in looks])
    lean = 0.035 * stride
    put("pelvis", (0, 0, hem), (0, 0, 0.61), flare * build, 0.068 * build)
    put("chest", (0, 0, 0.575), (lean, 0, 0.845), 0.066 * build, 0.076 * build)
    put("neck", (lean + 0.005, 0, 0.82), (lean + 0.008, 0, 0.89), 0.032, 0.03)
    put("head", (lean + 0.016, 0, 0.865), (lean + 0.01, 0, 0.995), 0.046, 0.054)
    put("hair", (lean - 0.008, 0, np.where(long_hair, 0.885, 0.91)), (lean + 0.004, 0, 1.008), 0.056, 0.06)
    mane_radius = np.where(long_hair, 0.05, 0.02)
    put("mane", (lean - 0.05, 0, np.where(long_hair, 0.79, 0.90)), (lean - 0.03, 0, 0.99), mane_radius, mane_radius)
    for side, sign in (("left", 1), ("right", -1)):
        swing = stride * sign * np.sin(gait)
        bend = stride * (0.15 + 0.9 * np.maximum(0, sign * np.cos(gait)) ** 2)  # the leg that swings forward bends
        y = sign * 0.052 * build
        knee = (0.245 * np.sin(swing), y, 0.53 - 0.245 * np.cos(swing))
        ankle = (knee[0] + 0.245 * np.sin(swing - bend), y, knee[2] - 0.245 * np.cos(swing - bend))
        tilt = swing - 0.6 * bend
        toe = (ankle[0] + 0.095 * np.cos(tilt), y, ankle[2] - 0.012 + 0.095 * np.sin(tilt))
        put(f"{side} thigh", (0, y, 0.53), knee, 0.052 * build, 0.038 * build)
        put(f"{side} shin", knee, ankle, 0.037 * build, 0.024)
        put(f"{side} shoe", (ankle[0] - 0.02, y, ankle[2] - 0.012), toe, 0.027, 0.02)
        reach, y = 0.05 - 0.8 * swing, sign * (0.098 * build + 0.012)  # arms swing against the legs
        elbow = (lean + 0.165 * np.sin(reach), y + sign * 0.03 * build, 0.82 - 0.165 * np.cos(reach))
        reach = reach + 0.25 + 0.5 * stride
        wrist = (elbow[0] + 0.14 * np.sin(reach), elbow[1], elbow[2] - 0.14 * np.cos(reach))
        tip = (wrist[0] + 0.06 * np.sin(reach), wrist[1], wrist[2] - 0.06 * np.cos(reach))
        put(f"{side} upper arm", (lean, y, 0.82), elbow, 0.032 * build, 0.026 * build)
        put(f"{side} forearm", elbow, wrist, 0.025 * build, 0.019)
        put(f"{side} hand", wrist, tip, 0.019, 0.015)
    # The lower foot always stands on the ground.
    lowest = np.minimum(starts[:, SHOES, 2], ends[:, SHOES, 2]).min(axis=1) - 0.024
    starts[..., 2] -= lowest[:, None]
    ends[..., 2] -= lowest[:, None]
    return starts, ends, radii


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
