"""QuadSim's messages as text: frames out, commands in. Opens no socket and shares no code with the bridge.

The forms are those seen on the wire of the real client: all values strings, poses with 4 decimals in Unity's ranges of
degrees, timestamps with 15 significant digits, JPEG of quality 75, depth as an RGBA PNG.
"""

import base64
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from simulator.types import Pose

JPEG_QUALITY = 75
MAX_ID = 2**24  # QuadSim keeps ids as float32
SPEEDS = (0.1, 9.0)  # simulated seconds a second, least and most
MOST_SEED, MOST_PEOPLE = 2**31, 500


@dataclass(frozen=True)
class Detected:
    """`object_detected`: the hero's centre, metres."""

    coords: tuple[float, float, float]


@dataclass(frozen=True)
class Lost:
    """`object_lost`."""


@dataclass(frozen=True)
class PlaceMarker:
    """`create_box_marker`; angles already in radians."""

    id: int
    pose: Pose
    dimensions: tuple[float, float, float]
    color: tuple[float, float, float, float]
    duration: float  # seconds, -1 for ever


@dataclass(frozen=True)
class DeleteMarker:
    """`delete_marker`."""

    id: int


@dataclass(frozen=True)
class FrameDone:
    """The acknowledgement of a frame: the server has said all that it has to say about it."""

    id: int


@dataclass(frozen=True)
class SetSpeed:
    """`set_speed`, which QuadSim does not know: simulated seconds a second."""

    speed: float


@dataclass(frozen=True)
class NewEpisode:
    """`new_episode`, which QuadSim does not know: begin anew, in the city of another seed, with as many others."""

    seed: int
    people: int


Control = SetSpeed | NewEpisode
Command = Detected | Lost | PlaceMarker | DeleteMarker | FrameDone | Control


class CommandError(ValueError):
    """A message that QuadSim would not understand, with the reason."""


def format_pose(pose: Pose) -> str:
    """Metres and degrees as QuadSim prints them: Euler angles of 0..360 as Unity has them, roll and yaw negated."""
    roll, pitch, yaw = (math.degrees(angle) for angle in (pose.roll, pose.pitch, pose.yaw))
    numbers = (pose.x, pose.y, pose.z, -(-roll % 360), pitch % 360, -(-yaw % 360))
    return ",".join(f"{number + 0.0:.4f}" for number in numbers).replace("-0.0000", "0.0000")


def format_timestamp(seconds: float) -> str:
    """Unix seconds as C# prints a double."""
    return f"{seconds:.15g}"


def encode_jpeg(rgb: np.ndarray) -> str:
    """Base64 JPEG of (h, w, 3) uint8."""
    bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
    return _encode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])


def encode_depth(depth: np.ndarray) -> str:
    """Base64 RGBA PNG of (h, w) uint8: R = G = B, opaque."""
    return _encode(".png", cv2.merge([depth, depth, depth, np.full_like(depth, 255)]), [cv2.IMWRITE_PNG_COMPRESSION, 3])


def encode_mask(mask: np.ndarray) -> str:
    """Base64 RGB PNG of (h, w, 3) uint8."""
    return _encode(".png", cv2.cvtColor(mask, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, 3])


def event(name: str, payload: Mapping[str, object], id: int | None = None) -> str:
    """One Socket.IO event in the old dialect. With an id it asks to be acknowledged, which QuadSim never does."""
    return f"42{'' if id is None else id}{json.dumps([name, payload], separators=(',', ':'))}"


def parse_command(text: str) -> Command:
    """The command in a Socket.IO packet: an event, `42["name",{...}]`, or the acknowledgement of a frame, `43id[...]`.

    Raises:
        CommandError: it is neither, its event is unknown, or its payload is not the one object that QuadSim takes.
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
    if name not in _READERS:
        raise CommandError(f"unknown event {_short(name)}; known are {', '.join(_READERS)}")
    if len(arguments) > 1 or any(not isinstance(argument, dict) for argument in arguments):
        raise CommandError(f"{name}: expected one object, got {_short(json.dumps(arguments))}")
    try:
        return _READERS[name](arguments[0] if arguments else {})
    except CommandError as error:
        raise CommandError(f"{name}: {error}") from None


def _read_detected(payload: dict) -> Detected:
    return Detected(_numbers(payload, "coords", 3))


def _read_marker(payload: dict) -> PlaceMarker:
    x, y, z, *angles = _numbers(payload, "pose", 6)
    return PlaceMarker(
        id=_id(payload),
        pose=Pose(x, y, z, *(math.radians(angle) for angle in angles)),
        dimensions=_numbers(payload, "dimensions", 3),
        color=_numbers(payload, "color", 4),
        duration=_number(payload.get("duration"), "duration"),
    )


_READERS: dict[str, Callable[[dict], Command]] = {
    "object_detected": _read_detected,
    "object_lost": lambda payload: Lost(),
    "create_box_marker": _read_marker,
    "delete_marker": lambda payload: DeleteMarker(_id(payload)),
    "set_speed": lambda payload: SetSpeed(_within(payload, "speed", *SPEEDS)),
    "new_episode": lambda payload: NewEpisode(
        _whole(payload, "seed", MOST_SEED), _whole(payload, "people", MOST_PEOPLE)
    ),
}


def _numbers(payload: dict, key: str, count: int) -> tuple[float, ...]:
    values = payload.get(key)
    if not isinstance(values, list) or len(values) != count:
        raise CommandError(f"expected {key} to be a list of {count} numbers, got {_short(json.dumps(values))}")
    return tuple(_number(value, key) for value in values)


def _number(value: object, key: str) -> float:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise CommandError(f"expected finite numbers in {key}, got {_short(json.dumps(value))}")
    return number


def _id(payload: dict) -> int:
    number = _number(payload.get("id"), "id")
    if not 0 <= number < MAX_ID:
        raise CommandError(f"expected an id from 0 to {MAX_ID - 1}, got {_short(str(payload['id']))}")
    return int(number)


def _within(payload: dict, key: str, least: float, most: float) -> float:
    number = _number(payload.get(key), key)
    if not least <= number <= most:
        raise CommandError(f"expected {key} from {least:g} to {most:g}, got {number:g}")
    return number


def _whole(payload: dict, key: str, most: int) -> int:
    number = _within(payload, key, 0, most)
    if number != int(number):
        raise CommandError(f"expected {key} to be a whole number, got {number:g}")
    return int(number)


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."


def _encode(kind: str, image: np.ndarray, options: list[int]) -> str:
    done, data = cv2.imencode(kind, image, options)
    if not done:
        raise ValueError(f"OpenCV could not write a {kind} of shape {image.shape}, {image.dtype}")
    return base64.b64encode(data).decode("ascii")
