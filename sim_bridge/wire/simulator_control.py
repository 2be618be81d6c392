"""What the stand-in says of itself, and what can be asked of it; docs/protocol.md has it for other programs.

QuadSim says nothing of the kind, so nothing of this is ever sent to it.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real

from sim_bridge.wire.messages import BadFrame

SIMULATOR_INFO = "simulator_info"
LEAST_SPEED, MOST_SPEED = 0.1, 9.0  # simulated seconds a second
MOST_SEED, MOST_PEOPLE = 2**31, 500


@dataclass(frozen=True)
class SimulatorInfo:
    """A stand-in as it described itself last."""

    seed: int  # of the city and all that happens in it
    people: int  # others beside the hero
    speed: float | None  # simulated seconds a second; None in lockstep, where it is as fast as it is answered


def parse_simulator_info(arguments: tuple) -> SimulatorInfo:
    """Read the arguments of a `simulator_info` event. Raises BadFrame."""
    payload = arguments[0] if len(arguments) == 1 else None
    if not isinstance(payload, Mapping):
        raise BadFrame("bad-simulator-info", "simulator_info takes one object with seed, people and speed")
    try:
        speed = None if payload.get("speed") is None else _speed(payload)
        return SimulatorInfo(_whole(payload, "seed", MOST_SEED), _whole(payload, "people", MOST_PEOPLE), speed)
    except ValueError as error:
        raise BadFrame("bad-simulator-info", f"simulator_info: {error}") from None


def set_speed(state: SimulatorInfo, wish: Mapping) -> tuple[str, dict]:
    """(event, payload) for a wish such as {"speed": 4}. Raises ValueError with what was expected."""
    if state.speed is None:
        raise ValueError("speed: this stand-in flies in lockstep, as fast as it is answered")
    return "set_speed", {"speed": _speed(wish)}


def new_episode(state: SimulatorInfo, wish: Mapping) -> tuple[str, dict]:
    """(event, payload) for a wish such as {"seed": 7, "people": 30}.

    Without a seed the next one, without people as many as now. Raises ValueError with what was expected.
    """
    wish = {"seed": (state.seed + 1) % MOST_SEED, "people": state.people} | dict(wish)
    return "new_episode", {"seed": _whole(wish, "seed", MOST_SEED), "people": _whole(wish, "people", MOST_PEOPLE)}


def _speed(values: Mapping) -> float:
    speed = values.get("speed")
    number = isinstance(speed, Real) and not isinstance(speed, bool) and math.isfinite(speed)
    if not (number and LEAST_SPEED <= speed <= MOST_SPEED):
        raise ValueError(f"speed: expected {LEAST_SPEED:g} to {MOST_SPEED:g}, got {speed!r:.40}")
    return float(speed)


def _whole(values: Mapping, name: str, most: int) -> int:
    number = values.get(name)
    if not (isinstance(number, int) and not isinstance(number, bool) and 0 <= number <= most):
        raise ValueError(f"{name}: expected a whole number from 0 to {most}, got {number!r:.40}")
    return number
