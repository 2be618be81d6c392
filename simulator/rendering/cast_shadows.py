"""Long shadows of people on the ground, under a low sun."""

from collections.abc import Sequence

import numpy as np

from simulator.rendering.appearance import appearance_of_person
from simulator.rendering.meshes import Mesh
from simulator.types import FloatArray, Person
from simulator.world.city import Light

# Outline of a standing person: heights, and half widths there, as fractions of the body's height.
HEIGHTS = np.array([0.0, 0.1, 0.28, 0.47, 0.62, 0.8, 0.84, 0.88, 0.94, 1.0])
HALF_WIDTHS = np.array([0.06, 0.07, 0.08, 0.10, 0.10, 0.13, 0.07, 0.035, 0.055, 0.02])
DARKNESS = 0.55
LIFT = 0.01  # m above the ground


def shadow_mesh(people: Sequence[Person], sunlit: FloatArray, light: Light) -> Mesh:
    """Return the shadows of `people`; `sunlit`: the fraction of the sun that reaches each, (n,)."""
    count, rings = len(people), len(HEIGHTS)
    sizes = np.array([appearance_of_person(person).height for person in people])[:, None, None]
    feet = np.array([(person.x, person.y, person.z + LIFT) for person in people])[:, None]
    away = -light.direction
    along = np.array([away[0], away[1], 0.0]) / light.direction[2]
    across = np.array([-along[1], along[0], 0.0]) / np.hypot(along[0], along[1])
    middles, offsets = HEIGHTS[:, None] * along, HALF_WIDTHS[:, None] * across
    rims = np.stack([middles - offsets, middles + offsets], axis=1).reshape(1, 2 * rings, 3)
    positions = feet + sizes * rims
    step = 2 * np.arange(rings - 1)[:, None]
    strip = np.concatenate([step + np.array(face) for face in ((0, 2, 1), (1, 2, 3))])
    strip = np.concatenate([strip, strip[:, ::-1]])  # seen from above, whichever way the sun stands
    triangles = (strip + (2 * rings * np.arange(count))[:, None, None]).reshape(-1, 3)
    opacity = np.repeat(DARKNESS * sunlit, 2 * rings)
    vertices = count * 2 * rings
    return Mesh(positions.reshape(-1, 3), np.zeros((vertices, 3)), triangles, np.zeros((vertices, 2)), opacity)
