"""Typed messages <-> wire JSON. Every bad frame dies here, with a reason.

This room knows QuadSim's payloads; it knows nothing of sockets, sessions or what is done with a frame.
"""

import base64
import binascii
import io
import math
import re
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PIL import Image

from follower.types import Command, CreateBoxMarker, DeleteMarker, ObjectDetected, ObjectLost, Pose

REQUIRED_KEYS = ("timestamp", "pose", "gimbal_pose", "rgb_image", "depth_image")
GROUND_TRUTH_KEYS = ("ground_truth_mask", "ground_truth_target")  # only from the built-in simulator
LARGEST_MARKER_ID = 2**24 - 1  # QuadSim keeps ids in a float

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"[+-]?\d+", re.ASCII)
_FRACTION = re.compile(r"\d+(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_LARGEST_NUMBER = 1e6  # metres or degrees; beyond it a pose is a bug, and squares of it would overflow
_LONGEST_POSE = 400  # characters
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_DEPTH_COLOUR_TYPES = (0, 2, 6)  # PNG's grey, RGB and RGBA; R = G = B in what QuadSim sends


class BadFrame(ValueError):
    """A frame or an event that is refused.

    `kind` is a short slug to count and rate-limit by; the message says what was expected and what came.
    """

    def __init__(self, kind: str, reason: str):
        super().__init__(reason)
        self.kind = kind


@dataclass(frozen=True)
class SensorFrame:
    """One `sensor_frame` off the wire; satisfies `follower.types.Frame`.

    The encoded images are kept exactly as they came, for the recorder; they are decoded on first use only
    (depth is needed only when there is a detection). Both decoders raise `BadFrame`.
    """

    timestamp: float  # seconds, the simulator's clock
    pose: Pose
    gimbal_pose: Pose
    jpeg: bytes  # the camera image as it came
    png: bytes  # the depth image as it came
    ground_truth_mask: bytes | None = None  # PNG of the class mask, only from the stand-in simulator
    ground_truth_target: tuple[float, float, float] | None = None  # feet of the hero, metres; only from the stand-in
    ignored: tuple[str, ...] = ()  # keys that came and that nobody here knows

    @cached_property
    def image(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB, read-only."""
        return _decode("rgb_image", "bad-jpeg", self.jpeg)

    @cached_property
    def depth_image(self) -> np.ndarray:
        """(height, width) uint8, read-only: planar depth as a fraction of `far`, 255 = far or beyond."""
        pixels = _decode("depth_image", "bad-png", self.png)
        return pixels if pixels.ndim == 2 else np.ascontiguousarray(pixels[..., 0])


def parse_sensor_frame(arguments: tuple, frame_size: int = 256) -> SensorFrame:
    """Read the arguments of one `sensor_frame` event.

    `frame_size` is the height and width, pixels, that both images must have.
    Raises `BadFrame`. Costs a fraction of a millisecond: headers and checksums are read, pixels are not.
    """
    if len(arguments) != 1:
        raise BadFrame("wrong-arguments", f"sensor_frame takes one object, got {len(arguments)} arguments")
    payload = arguments[0]
    if not isinstance(payload, Mapping):
        raise BadFrame("not-an-object", f"sensor_frame takes one object, got {_kind_of(payload)}")
    missing = [key for key in REQUIRED_KEYS if key not in payload]
    if missing:
        raise BadFrame("missing-key", f"sensor_frame lacks {', '.join(missing)}")
    jpeg = _base64_bytes("rgb_image", payload["rgb_image"])
    png = _base64_bytes("depth_image", payload["depth_image"])
    _check_jpeg(jpeg, frame_size)
    _check_png(png, frame_size)
    ground_truth_mask, ground_truth_target, ignored = _truth(payload)
    return SensorFrame(
        timestamp=_timestamp(payload["timestamp"]),
        pose=parse_pose("pose", payload["pose"]),
        gimbal_pose=parse_pose("gimbal_pose", payload["gimbal_pose"]),
        jpeg=jpeg,
        png=png,
        ground_truth_mask=ground_truth_mask,
        ground_truth_target=ground_truth_target,
        ignored=ignored,
    )


def command_to_event(command: Command) -> tuple[str, dict]:
    """(event name, payload) of a command: always exactly one JSON object, numbers finite and plain.

    Angles leave in degrees. Raises ValueError where a number cannot be sent: QuadSim accepts NaN silently.
    """
    match command:
        case ObjectDetected(coords):
            return "object_detected", {"coords": _finite("coords", coords, 3)}
        case ObjectLost():
            return "object_lost", {}
        case CreateBoxMarker():
            pose = command.pose
            degrees = [math.degrees(angle) for angle in (pose.roll, pose.pitch, pose.yaw)]
            return "create_box_marker", {
                "id": _marker_id(command.id),
                "pose": _finite("pose", [pose.x, pose.y, pose.z, *degrees], 6),
                "dimensions": _finite("dimensions", command.dimensions, 3),
                "color": _finite("color", command.color, 4),
                "duration": _finite("duration", [command.duration], 1)[0],
            }
        case DeleteMarker(id=id):
            return "delete_marker", {"id": _marker_id(id)}
    raise ValueError(f"no such command: {command!r}")


def _finite(name: str, values, count: int) -> list[float]:
    numbers = [float(value) for value in values]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} must be {count} finite numbers, got {numbers}")
    return numbers


def _marker_id(value: int) -> int:
    if not 0 <= value <= LARGEST_MARKER_ID:
        raise ValueError(f"a marker id must lie in 0..{LARGEST_MARKER_ID}, got {value}")
    return int(value)


def _kind_of(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bytes: "binary data", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")


def _timestamp(value: object) -> float:
    if isinstance(value, str):
        value = value.strip()
        if _NUMBER.fullmatch(value):
            value = float(value)
        elif value.count(",") == 1 and _NUMBER.fullmatch(value.replace(",", ".")):
            value = float(value.replace(",", "."))  # a decimal comma; one number, so there is no doubt
        else:
            raise BadFrame("bad-timestamp", f"timestamp must be seconds, got {value[:40]!r}")
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadFrame("wrong-type", f"timestamp must be a string or a number, got {_kind_of(value)}")
    if not abs(value) < 1e15:  # also refuses NaN; integers of any length compare
        raise BadFrame("bad-timestamp", f"timestamp must be finite seconds, got {str(value)[:40]}")
    return float(value)


def parse_pose(name: str, text: object) -> Pose:
    """Read "x,y,z,roll,pitch,yaw" in metres and degrees, for the key `name`. Raises BadFrame."""
    if not isinstance(text, str):
        raise BadFrame("wrong-type", f'{name} must be a string "x,y,z,roll,pitch,yaw", got {_kind_of(text)}')
    if len(text) > _LONGEST_POSE:
        raise BadFrame("bad-pose", f"{name} must be six numbers, got {len(text)} characters")
    fields = [field.strip() for field in text.split(",")]
    if len(fields) == 12 and "." not in text:
        fields = _join_decimal_commas(fields)
    if len(fields) != 6:
        hint = "; are these decimal commas? Start the simulator under an English locale" if len(fields) > 6 else ""
        raise BadFrame("bad-pose", f"{name} must be six numbers, got {len(fields)} fields: {text[:80]!r}{hint}")
    if not all(_NUMBER.fullmatch(field) for field in fields):
        raise BadFrame("bad-pose", f"{name} must be six finite numbers, got {text[:80]!r}")
    numbers = [float(field) for field in fields]
    if not all(abs(number) <= _LARGEST_NUMBER for number in numbers):
        raise BadFrame("bad-pose", f"{name} must lie within +-{_LARGEST_NUMBER:g}, got {text[:80]!r}")
    return Pose(*numbers[:3], *map(math.radians, numbers[3:]))


def _join_decimal_commas(fields: list[str]) -> list[str]:
    """Six numbers written "-7,7500,..." under, say, a German locale: twelve whole fields, the odd ones unsigned."""
    pairs = list(zip(fields[::2], fields[1::2], strict=True))
    if all(_WHOLE_NUMBER.fullmatch(whole) and _FRACTION.fullmatch(fraction) for whole, fraction in pairs):
        return [f"{whole}.{fraction}" for whole, fraction in pairs]
    return fields


def _truth(payload: Mapping) -> tuple[bytes | None, tuple[float, float, float] | None, tuple[str, ...]]:
    """(mask, hero, unknown keys). Nothing here is needed to fly, so what cannot be read counts as unknown."""
    ignored = [str(key) for key in payload if key not in REQUIRED_KEYS and key not in GROUND_TRUTH_KEYS]
    mask = hero = None
    if "ground_truth_mask" in payload:
        try:
            mask = _base64_bytes("ground_truth_mask", payload["ground_truth_mask"])
        except BadFrame:
            ignored.append("ground_truth_mask")
    if payload.get("ground_truth_target"):
        fields = str(payload["ground_truth_target"]).split(",")
        if len(fields) == 3 and all(_NUMBER.fullmatch(field) for field in fields):
            hero = tuple(float(field) for field in fields)
        else:
            ignored.append("ground_truth_target")
    return mask, hero, tuple(ignored)


def _base64_bytes(name: str, text: object) -> bytes:
    if not isinstance(text, str):
        raise BadFrame("wrong-type", f"{name} must be a base64 string, got {_kind_of(text)}")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadFrame("bad-base64", f"{name} is not base64: {error}") from error
    if not data:
        raise BadFrame("bad-base64", f"{name} is empty")
    return data


def _check_size(name: str, width: int, height: int, frame_size: int) -> None:
    if (width, height) != (frame_size, frame_size):
        raise BadFrame("wrong-size", f"{name} must be {frame_size}x{frame_size} pixels, got {width}x{height}")


def _check_jpeg(data: bytes, frame_size: int) -> None:
    """Header and end only; no pixel is decoded, so a decompression bomb costs nothing."""
    if not data.startswith(b"\xff\xd8"):
        raise BadFrame("bad-jpeg", f"rgb_image is not a JPEG: it begins with {data[:4].hex(' ')}")
    if not data.rstrip(b"\0").endswith(b"\xff\xd9"):
        raise BadFrame("bad-jpeg", f"rgb_image is truncated: {len(data)} bytes without an end marker")
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as header:
            size, mode = header.size, header.mode
    except Image.DecompressionBombError as error:
        raise BadFrame("wrong-size", f"rgb_image must be {frame_size}x{frame_size} pixels: {error}") from error
    except Exception as error:  # Pillow raises OSError, SyntaxError, struct.error and more on hostile headers
        raise BadFrame("bad-jpeg", f"rgb_image has no readable JPEG header: {error}") from error
    _check_size("rgb_image", *size, frame_size)
    if mode != "RGB":
        raise BadFrame("wrong-mode", f"rgb_image must be a colour JPEG, got mode {mode}")


def _check_png(data: bytes, frame_size: int) -> None:
    """Signature, header and the checksum of every chunk to the last: truncation shows without decoding."""
    if not data.startswith(_PNG_SIGNATURE):
        raise BadFrame("bad-png", f"depth_image is not a PNG: it begins with {data[:8].hex(' ')}")
    position = len(_PNG_SIGNATURE)
    name = b""
    while name != b"IEND":
        if position + 12 > len(data):
            raise BadFrame("bad-png", f"depth_image is truncated: {len(data)} bytes without an end chunk")
        length, name = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise BadFrame("bad-png", f"depth_image is truncated inside its chunk {name!r}")
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(memoryview(data)[position + 4 : end - 4]) != checksum:
            raise BadFrame("bad-png", f"depth_image is damaged: wrong checksum in its chunk {name!r}")
        if (name == b"IHDR") != (position == len(_PNG_SIGNATURE)) or (name == b"IHDR" and length != 13):
            raise BadFrame("bad-png", "depth_image must begin with one header chunk of 13 bytes")
        if name == b"IHDR":
            width, height, bits, colour_type = struct.unpack_from(">IIBB", data, position + 8)
            _check_size("depth_image", width, height, frame_size)
            if bits != 8 or colour_type not in _DEPTH_COLOUR_TYPES:
                raise BadFrame(
                    "wrong-mode",
                    f"depth_image must be 8 bit RGBA, RGB or grey, got {bits} bit of colour type {colour_type}",
                )
        position = end


def _decode(name: str, kind: str, data: bytes) -> np.ndarray:
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            return np.asarray(image)
    except Exception as error:  # as above: hostile data raises more than OSError
        raise BadFrame(kind, f"{name} cannot be decoded: {error}") from error
