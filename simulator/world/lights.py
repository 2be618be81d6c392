"""Hard light and weather, as variants of a city's light."""

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from simulator.world.city import Light

LOW_SUN, DUSK, NIGHT, FOG, RAIN = LIGHTS = ("low sun", "dusk", "night", "fog", "rain")

_OVERCAST = {"overcast": 1.0, "sun": 0.04, "elevation": math.radians(60)}
_LIT = {"lamps": True, "sun": 0.0, "elevation": math.radians(60)}
_CHANGES: Mapping[str, Mapping[str, object]] = MappingProxyType(
    {
        LOW_SUN: {
            "sun_color": (1.0, 0.74, 0.42),
            "people_cast_shadows": True,
            "sky_color": (0.80, 0.90, 1.20),
            "overcast": 0.15,
            "horizon": (1.1, 0.86, 0.62),
            "zenith": (0.85, 0.88, 1.0),
        },
        DUSK: {
            **_LIT,
            "sky_color": (0.85, 0.80, 1.15),
            "overcast": 0.4,
            "horizon": (1.0, 0.52, 0.36),
            "zenith": (0.26, 0.28, 0.50),
            "grain": 4.0,
        },
        NIGHT: {
            **_LIT,
            "sky_color": (0.75, 0.85, 1.30),
            "overcast": 0.3,
            "horizon": (0.13, 0.13, 0.17),
            "zenith": (0.03, 0.03, 0.06),
            "grain": 8.0,
        },
        FOG: {**_OVERCAST, "horizon": (0.95, 0.97, 1.0), "zenith": (0.9, 0.92, 0.95), "haze": (0.74, 0.76, 0.78)},
        RAIN: {
            **_OVERCAST,
            "sky_color": (0.92, 0.98, 1.06),
            "horizon": (0.66, 0.69, 0.72),
            "zenith": (0.45, 0.48, 0.52),
            "haze": (0.50, 0.53, 0.56),
            "rain": True,
            "grain": 3.0,
        },
    }
)
# Ranges that the seed chooses from.
_RANGES: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        LOW_SUN: {"elevation": (math.radians(15), math.radians(23)), "sun": (1.35, 1.6), "ambient": (0.25, 0.33)},
        DUSK: {"ambient": (0.20, 0.30)},
        NIGHT: {"ambient": (0.10, 0.16)},
        FOG: {"ambient": (0.55, 0.65), "visibility": (28.0, 50.0)},
        RAIN: {"ambient": (0.36, 0.46), "visibility": (90.0, 150.0)},
    }
)


def make_light(name: str, seed: int) -> Light:
    """Return the light of one of LIGHTS; the seed chooses its strength and the direction of the sun."""
    random = np.random.default_rng([seed, 53])
    drawn = {key: random.uniform(low, high) for key, (low, high) in _RANGES[name].items()}
    values: dict[str, object] = {"azimuth": random.uniform(-math.pi, math.pi), **_CHANGES[name], **drawn}
    return Light(**values)  # type: ignore[arg-type]
