"""Events of the built-in simulator beyond QuadSim's: its report of itself, and requests to it.

docs/reference/protocol.md describes them for other programs. QuadSim sends no such report, so it never gets a request.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Annotated, Any

from annotated_types import Ge, Le, MaxLen, MinLen, Predicate

from config.reader import build
from follower.types import Extent
from sim_bridge.wire.bad_frame import BadFrame

SIMULATOR_INFO = "simulator_info"
LARGEST_SEED = 2**31
MAX_COORDINATE = 1e6  # metres

Seed = Annotated[int, Ge(0), Le(LARGEST_SEED), f"a whole number from 0 to {LARGEST_SEED}"]
People = Annotated[int, Ge(0), Le(500), "a whole number from 0 to 500"]
Difficulty = Annotated[str, MinLen(1), MaxLen(40), "a name of at most 40 characters"]
Difficulties = Annotated[tuple[Difficulty, ...], MaxLen(100), "at most 100 names"]
Area = Annotated[
    Extent,
    Predicate(lambda extent: -MAX_COORDINATE <= extent[0] < extent[2] <= MAX_COORDINATE),
    Predicate(lambda extent: -MAX_COORDINATE <= extent[1] < extent[3] <= MAX_COORDINATE),
    "least x, least y, greatest x, greatest y, metres, at most 1e6",
]
Speed = Annotated[float, Ge(0.1), Le(9), "0.1 to 9 simulated seconds per second"]


@dataclass(frozen=True)
class SimulatorInfo:
    """The simulator's latest report of itself."""

    seed: Seed  # of the city and everything in it
    people: People  # besides the target
    speed: Speed | None = None  # None in lockstep, where it is as fast as the answers
    difficulty: Difficulty = "plain"
    difficulties: Difficulties = ("plain",)  # that a new episode can have
    search: bool = False  # whether it accepts places to look at while there is no target
    motion: bool = False  # whether it accepts the velocity of a detected target
    extent: Area | None = None  # where people walk


@dataclass(frozen=True)
class SpeedRequest:
    """Another speed."""

    speed: Speed


@dataclass(frozen=True)
class EpisodeRequest:
    """Another episode: without a seed the next one, without a difficulty the same.

    Without people, as many as now, or the difficulty's number if that changes.
    """

    seed: Seed | None = None
    people: People | None = None
    difficulty: Difficulty | None = None


def parse_simulator_info(arguments: tuple[Any, ...]) -> SimulatorInfo:
    """Read the arguments of a `simulator_info` event; unknown keys are ignored. Raises BadFrame."""
    payload = arguments[0] if len(arguments) == 1 else None
    if not isinstance(payload, Mapping):
        raise BadFrame("bad-simulator-info", "simulator_info takes one object with seed, people and speed")
    known = {field.name for field in fields(SimulatorInfo)}
    try:
        return build(SimulatorInfo, {key: value for key, value in payload.items() if key in known})
    except ValueError as error:
        raise BadFrame("bad-simulator-info", f"simulator_info: {error}") from None


def set_speed(info: SimulatorInfo, request: SpeedRequest) -> tuple[str, dict[str, Any]]:
    """Return event and payload. Raises ValueError in lockstep."""
    if info.speed is None:
        raise ValueError("speed: this simulator runs in lockstep, as fast as it is answered")
    return "set_speed", {"speed": request.speed}


def new_episode(info: SimulatorInfo, request: EpisodeRequest) -> tuple[str, dict[str, Any]]:
    """Return event and payload. Raises ValueError for a difficulty that the simulator does not have."""
    seed = (info.seed + 1) % LARGEST_SEED if request.seed is None else request.seed
    difficulty = info.difficulty if request.difficulty is None else request.difficulty
    if difficulty not in info.difficulties:
        raise ValueError(f"difficulty: expected one of {', '.join(info.difficulties)}, got {difficulty!r}")
    people = info.people if request.people is None and difficulty == info.difficulty else request.people
    return "new_episode", {"seed": seed, "people": people, "difficulty": difficulty}
