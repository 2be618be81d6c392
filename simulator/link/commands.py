"""Incoming messages: commands of the agent, and control of the simulator itself."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.types import Marker, Point

MAX_ID = 2**24 - 1  # QuadSim keeps ids as float32
SPEED_RANGE = (0.1, 9.0)  # simulated seconds per second
MAX_SEED, MAX_PEOPLE = 2**31, 500

Payload = Mapping[str, object]


@dataclass(frozen=True)
class Detected:
    """`object_detected`: the centre of the target, metres."""

    coords: Point


@dataclass(frozen=True)
class Lost:
    """`object_lost`."""


@dataclass(frozen=True)
class PlaceMarker:
    """`create_box_marker`."""

    marker: Marker
    duration: float  # seconds, -1 = until deleted


@dataclass(frozen=True)
class DeleteMarker:
    """`delete_marker`."""

    id: int


@dataclass(frozen=True)
class FrameDone:
    """Acknowledgement of a frame: all commands for it have been sent."""

    id: int


@dataclass(frozen=True)
class SetSpeed:
    """`set_speed`, not part of QuadSim: simulated seconds per second."""

    speed: float


@dataclass(frozen=True)
class NewEpisode:
    """`new_episode`, not part of QuadSim: restart in the city of another seed."""

    seed: int
    people: int


Control = SetSpeed | NewEpisode
Command = Detected | Lost | PlaceMarker | DeleteMarker | FrameDone | Control


class CommandError(ValueError):
    """The message is not a command that QuadSim understands."""


def parse_command(text: str) -> Command:
    """Parse a Socket.IO packet: an event, `42["name",{...}]`, or the acknowledgement of a frame, `43id[...]`.

    Raises CommandError if it is neither, its event is unknown, or its payload is not the one object that QuadSim takes.
    """
    if acknowledged := re.match(r"43(\d{1,9})\[", text):
        return FrameDone(int(acknowledged[1]))
    try:
        body = json.loads(text.removeprefix("42"))
    except (ValueError, RecursionError) as error:
        raise CommandError(f"expected an event as JSON, got {_short(text)}: {error}") from None
    if not text.startswith("42") or not isinstance(body, list) or not body or not isinstance(body[0], str):
        raise CommandError(f'expected 42["event",{{...}}], got {_short(text)}')
    name, *arguments = body
    if name not in _PARSERS:
        raise CommandError(f"unknown event {_short(name)}; known are {', '.join(_PARSERS)}")
    if len(arguments) > 1 or any(not isinstance(argument, dict) for argument in arguments):
        raise CommandError(f"{name}: expected one object, got {_short(json.dumps(arguments))}")
    try:
        return _PARSERS[name](arguments[0] if arguments else {})
    except CommandError as error:
        raise CommandError(f"{name}: {error}") from None


def _detected(payload: Payload) -> Detected:
    x, y, z = _numbers(payload, "coords", 3)
    return Detected((x, y, z))


def _place_marker(payload: Payload) -> PlaceMarker:
    x, y, z, _, _, yaw = _numbers(payload, "pose", 6)
    length, width, height = _numbers(payload, "dimensions", 3)
    red, green, blue, opacity = _numbers(payload, "color", 4)
    id, size, color = _id(payload), (length, width, height), (red, green, blue, opacity)
    marker = Marker(id, x, y, z, math.radians(yaw), size, color)
    return PlaceMarker(marker, _number(payload.get("duration"), "duration"))


_PARSERS: dict[str, Callable[[Payload], Command]] = {
    "object_detected": _detected,
    "object_lost": lambda payload: Lost(),
    "create_box_marker": _place_marker,
    "delete_marker": lambda payload: DeleteMarker(_id(payload)),
    "set_speed": lambda payload: SetSpeed(_number(payload.get("speed"), "speed", *SPEED_RANGE)),
    "new_episode": lambda payload: NewEpisode(
        _whole_number(payload, "seed", MAX_SEED), _whole_number(payload, "people", MAX_PEOPLE)
    ),
}


def _numbers(payload: Payload, key: str, count: int) -> list[float]:
    values = payload.get(key)
    if not isinstance(values, list) or len(values) != count:
        raise CommandError(f"expected {key} to be a list of {count} numbers, got {_short(json.dumps(values))}")
    return [_number(value, key) for value in values]


def _number(value: object, key: str, low: float = -math.inf, high: float = math.inf) -> float:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise CommandError(f"expected finite numbers in {key}, got {_short(json.dumps(value))}")
    if not low <= number <= high:
        raise CommandError(f"expected {key} from {low:.15g} to {high:.15g}, got {number:.15g}")
    return number


def _id(payload: Payload) -> int:
    return int(_number(payload.get("id"), "id", 0, MAX_ID))


def _whole_number(payload: Payload, key: str, high: int) -> int:
    number = _number(payload.get(key), key, 0, high)
    if number != int(number):
        raise CommandError(f"expected {key} to be a whole number, got {number:g}")
    return int(number)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
