"""Incoming messages: commands of the agent, and control of the simulator itself."""

import json
import math
import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from simulator.difficulty.levels import LEVELS

MAX_ID = 2**24 - 1  # QuadSim keeps ids as float32
SPEED_RANGE = (0.1, 9.0)  # simulated seconds per second
MAX_SEED, MAX_PEOPLE = 2**31, 500
CONTROLS = ("set_speed", "new_episode")  # not part of QuadSim
FRAME_DONE = "frame_done"  # acknowledgement of a frame, which follows its commands


class Command(NamedTuple):
    """An event of `EVENTS` with checked values, or FRAME_DONE with the `id` of the frame and its `outcome`."""

    name: str
    values: Mapping[str, Any]


class CommandError(ValueError):
    """The message is not a command that QuadSim understands."""


def parse_command(text: str) -> Command:
    """Parse a Socket.IO packet: an event, `42["name",{...}]`, or the acknowledgement of a frame, `43id[...]`.

    Raises CommandError if it is neither, its event is unknown, or its payload is not the one object that QuadSim takes.
    """
    if acknowledged := re.match(r"43(\d{1,9})\[", text):
        outcome = re.search(r'"outcome"\s*:\s*"(\w+)"', text)
        return Command(FRAME_DONE, {"id": int(acknowledged[1]), "outcome": outcome[1] if outcome else ""})
    try:
        body = json.loads(text.removeprefix("42"))
    except (ValueError, RecursionError) as error:
        raise CommandError(f"expected an event as JSON, got {_short(text)}: {error}") from None
    if not text.startswith("42") or not isinstance(body, list) or not body or not isinstance(body[0], str):
        raise CommandError(f'expected 42["event",{{...}}], got {_short(text)}')
    name, *arguments = body
    if name not in EVENTS:
        raise CommandError(f"unknown event {_short(name)}; known are {', '.join(EVENTS)}")
    if len(arguments) > 1 or any(not isinstance(argument, dict) for argument in arguments):
        raise CommandError(f"{name}: expected one object, got {_short(json.dumps(arguments))}")
    payload = arguments[0] if arguments else {}
    try:
        return Command(name, {key: check(key, payload.get(key)) for key, check in EVENTS[name].items()})
    except CommandError as error:
        raise CommandError(f"{name}: {error}") from None


def _number(key: str, value: object, low: float = -math.inf, high: float = math.inf) -> float:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise CommandError(f"expected finite numbers in {key}, got {_short(json.dumps(value))}")
    if not low <= number <= high:
        raise CommandError(f"expected {key} from {low:.15g} to {high:.15g}, got {number:.15g}")
    return number


def _numbers(key: str, values: object, count: int) -> tuple[float, ...]:
    if not isinstance(values, list) or len(values) != count:
        raise CommandError(f"expected {key} to be a list of {count} numbers, got {_short(json.dumps(values))}")
    return tuple(_number(key, value) for value in values)


def _three_numbers(key: str, value: object) -> tuple[float, ...] | None:
    return None if value is None else _numbers(key, value, 3)


def _time(key: str, value: object) -> float | None:
    return None if value is None else _number(key, value)


def _id(key: str, value: object) -> int:
    return int(_number(key, value, 0, MAX_ID))


def _whole_number(key: str, value: object, high: int) -> int:
    number = _number(key, value, 0, high)
    if number != int(number):
        raise CommandError(f"expected {key} to be a whole number, got {number:g}")
    return int(number)


def _people(key: str, value: object) -> int | None:
    return None if value is None else _whole_number(key, value, MAX_PEOPLE)


def _difficulty(key: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and value in LEVELS):
        return value
    raise CommandError(f"expected {key} to be one of {', '.join(LEVELS)}, got {_short(json.dumps(value))}")


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


EVENTS: dict[str, dict[str, Callable[[str, object], object]]] = {  # the keys of each event, and how they are checked
    "object_detected": {
        "coords": partial(_numbers, count=3),  # centre of the target when the picture was taken, metres
        "velocity": _three_numbers,  # of the target, m/s; without it: it stands. Not in QuadSim
        "time": _time,  # timestamp of the picture; without it: now. Not in QuadSim
    },
    "object_lost": {"coords": _three_numbers},  # where to look for a target, metres; without it: patrol. Not in QuadSim
    "create_box_marker": {
        "id": _id,
        "pose": partial(_numbers, count=6),  # metres, degrees
        "dimensions": partial(_numbers, count=3),  # metres
        "color": partial(_numbers, count=4),  # 0..1: red, green, blue, opacity
        "duration": _number,  # seconds, -1 = until deleted
    },
    "delete_marker": {"id": _id},
    "set_speed": {"speed": partial(_number, low=SPEED_RANGE[0], high=SPEED_RANGE[1])},
    "new_episode": {
        "seed": partial(_whole_number, high=MAX_SEED),
        "people": _people,
        "difficulty": _difficulty,
    },
}
