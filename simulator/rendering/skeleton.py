"""Bodies of people as tubes, posed by the phase of the walk cycle. Lengths are fractions of the height."""

from collections.abc import Sequence

import numpy as np

from simulator.rendering.appearance import Appearance
from simulator.types import FloatArray, Person

LEG_SWING, FULL_SWING_SPEED = 0.55, 1.4  # rad, reached at m/s

RINGS = (0.0, 0.15, 0.5, 0.85, 1.0)  # places along a tube, as fractions of its length
# Profiles: radii at RINGS, as fractions of the tube's radius.
ROUND = (0.3, 0.85, 1.0, 0.85, 0.3)
BALL = (0.25, 0.78, 1.0, 0.78, 0.25)
FLAT = (0.9, 1.0, 1.0, 1.0, 0.9)

# name: (profile, width / depth). The order is that of `Appearance.colors`.
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


def body_tubes(people: Sequence[Person], looks: Sequence[Appearance]) -> Tubes:
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
