"""QuadSim's messages (docs/reference/protocol.md): wire JSON to typed frames, commands to wire JSON.

Every malformed frame is refused here. Concerned with payloads only, not with sockets, sessions or agents.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from follower.types import Command, CreateBoxMarker, DeleteMarker, Motion, ObjectDetected, ObjectLost, Point, Pose
from sim_bridge.wire.bad_frame import BadFrame, type_name
from sim_bridge.wire.decimal_commas import has_decimal_commas, join_decimal_commas
from sim_bridge.wire.images import (
    base64_bytes,
    check_jpeg,
    check_mask,
    check_png,
    decode_camera_image,
    decode_depth_image,
)

REQUIRED_KEYS = ("timestamp", "pose", "gimbal_pose", "rgb_image", "depth_image")
GROUND_TRUTH_KEYS = ("ground_truth_mask", "ground_truth_target")  # only from the built-in simulator
MAX_MARKER_ID = 2**24 - 1  # QuadSim keeps ids in a float
MAX_COORDINATE = 1e6  # metres or degrees; anything larger is a bug, and its square would overflow
MAX_POSE_LENGTH = 400  # characters
MINUS_SIGN = "\u2212"  # what some languages, such as Swedish, write instead of a hyphen

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class SensorFrame:
    """One `sensor_frame` event; satisfies `follower.types.Frame`.

    The encoded images are kept exactly as received, for the recorder, and decoded on first use only (most frames
    without a detection do without depth). Decoding raises BadFrame.
    """

    timestamp: float  # seconds, the simulator's clock
    pose: Pose  # of the quad's body
    gimbal_pose: Pose  # of the camera
    jpeg: bytes  # camera image as received
    png: bytes  # depth image as received
    ground_truth_mask: bytes | None = None  # PNG of the class mask
    ground_truth_target: Point | None = None  # feet of the target
    decimal_commas: bool = False  # numbers are written with them
    ignored_keys: tuple[str, ...] = ()  # unknown keys, and ground truth that could not be read

    @cached_property
    def image(self) -> np.ndarray:
        """(height, width, 3) uint8 RGB, read-only."""
        pixels = decode_camera_image(self.jpeg)
        pixels.setflags(write=False)
        return pixels

    @cached_property
    def depth_image(self) -> np.ndarray:
        """(height, width) uint8, read-only: planar depth / depth_far * 255, 255 also for anything beyond."""
        return decode_depth_image(self.png)


def parse_sensor_frame(arguments: tuple[object, ...], frame_size: int = 256) -> SensorFrame:
    """Read the arguments of one `sensor_frame` event, whatever was received. Raises BadFrame.

    Takes a fraction of a millisecond: headers and checksums are read, pixels are not. Height and width of both images
    must be `frame_size` pixels.
    """
    if len(arguments) != 1:
        raise BadFrame("wrong-arguments", f"sensor_frame takes one object, got {len(arguments)} arguments")
    [payload] = arguments
    if not isinstance(payload, Mapping):
        raise BadFrame("not-an-object", f"sensor_frame takes one object, got {type_name(payload)}")
    missing = [key for key in REQUIRED_KEYS if key not in payload]
    if missing:
        raise BadFrame("missing-key", f"sensor_frame lacks {', '.join(missing)}")
    jpeg = base64_bytes("rgb_image", payload["rgb_image"])
    png = base64_bytes("depth_image", payload["depth_image"])
    check_jpeg(jpeg, frame_size)
    check_png(png, frame_size)
    ignored = [str(key) for key in payload if key not in REQUIRED_KEYS and key not in GROUND_TRUTH_KEYS]
    mask, target = _ground_truth(payload, frame_size, ignored)
    return SensorFrame(
        timestamp=_timestamp(payload["timestamp"]),
        pose=parse_pose("pose", payload["pose"]),
        gimbal_pose=parse_pose("gimbal_pose", payload["gimbal_pose"]),
        jpeg=jpeg,
        png=png,
        ground_truth_mask=mask,
        ground_truth_target=target,
        decimal_commas=has_decimal_commas(payload),
        ignored_keys=tuple(ignored),
    )


def parse_pose(name: str, text: object) -> Pose:
    """Read "x,y,z,roll,pitch,yaw" in metres and degrees, the value of the key `name`. Raises BadFrame.

    QuadSim takes the angles from Unity's Euler angles as roll = -z, pitch = x (positive looks down), yaw = -y, so they
    range over (-360, 360).
    """
    if not isinstance(text, str):
        raise BadFrame("wrong-type", f'{name} must be a string "x,y,z,roll,pitch,yaw", got {type_name(text)}')
    if len(text) > MAX_POSE_LENGTH:
        raise BadFrame("bad-pose", f"{name} must be six numbers, got {len(text)} characters")
    fields = [field.strip() for field in text.replace(MINUS_SIGN, "-").split(",")]
    if len(fields) == 12 and "." not in text:
        fields = join_decimal_commas(fields)
    if len(fields) != 6:
        hint = "; are these decimal commas? Start the simulator under an English locale" if len(fields) > 6 else ""
        raise BadFrame("bad-pose", f"{name} must be six numbers, got {len(fields)} fields: {text[:80]!r}{hint}")
    if not all(_NUMBER.fullmatch(field) for field in fields):
        raise BadFrame("bad-pose", f"{name} must be six finite numbers, got {text[:80]!r}")
    x, y, z, roll, pitch, yaw = map(float, fields)
    if not all(abs(number) <= MAX_COORDINATE for number in (x, y, z, roll, pitch, yaw)):
        raise BadFrame("bad-pose", f"{name} must lie within +-{MAX_COORDINATE:g}, got {text[:80]!r}")
    return Pose(x, y, z, math.radians(roll), math.radians(pitch), math.radians(yaw))


def pose_to_wire(pose: Pose) -> tuple[float, float, float, float, float, float]:
    """Return x, y, z in metres and roll, pitch, yaw in degrees."""
    return pose.x, pose.y, pose.z, math.degrees(pose.roll), math.degrees(pose.pitch), math.degrees(pose.yaw)


def command_to_event(command: Command) -> tuple[str, dict[str, Any]]:
    """Return event name and payload of a command: one JSON object, numbers finite and plain.

    Raises ValueError where a number cannot be sent: QuadSim accepts NaN silently.
    """
    match command:
        case ObjectDetected(coords, motion):
            return "object_detected", {"coords": _finite("coords", coords, 3), **_motion_to_wire(motion)}
        case ObjectLost(look_at):
            return "object_lost", {} if look_at is None else {"coords": _finite("coords", look_at, 3)}
        case CreateBoxMarker():
            return "create_box_marker", {
                "id": _marker_id(command.id),
                "pose": _finite("pose", pose_to_wire(command.pose), 6),
                "dimensions": _finite("dimensions", command.dimensions, 3),
                "color": _finite("color", command.color, 4),
                "duration": _finite("duration", [command.duration], 1)[0],
            }
        case DeleteMarker(id=id):
            return "delete_marker", {"id": _marker_id(id)}


def _motion_to_wire(motion: Motion | None) -> dict[str, Any]:
    if motion is None:
        return {}
    return {"velocity": _finite("velocity", motion.velocity, 3), "time": _finite("time", [motion.time], 1)[0]}


def _finite(name: str, values: Iterable[float], count: int) -> list[float]:
    numbers = [float(value) for value in values]
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise ValueError(f"{name} must be {count} finite numbers, got {numbers}")
    return numbers


def _marker_id(value: int) -> int:
    if not 0 <= value <= MAX_MARKER_ID:
        raise ValueError(f"a marker id must lie in 0..{MAX_MARKER_ID}, got {value}")
    return int(value)


def _timestamp(value: object) -> float:
    if isinstance(value, str):
        text = value.strip()
        if text.count(",") == 1:
            text = text.replace(",", ".")  # a decimal comma; unambiguous, since there is one number
        if not _NUMBER.fullmatch(text):
            raise BadFrame("bad-timestamp", f"timestamp must be seconds, got {value[:40]!r}")
        value = float(text)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadFrame("wrong-type", f"timestamp must be a string or a number, got {type_name(value)}")
    if not abs(value) < 1e15:  # also refuses NaN; integers of any length compare
        raise BadFrame("bad-timestamp", f"timestamp must be finite seconds, got {str(value)[:40]}")
    return float(value)


def _ground_truth(
    payload: Mapping[str, object], frame_size: int, ignored: list[str]
) -> tuple[bytes | None, Point | None]:
    """Return mask and target, where there are any; what cannot be read is added to `ignored`."""
    mask, target = None, None
    if "ground_truth_mask" in payload:
        try:
            data = base64_bytes("ground_truth_mask", payload["ground_truth_mask"])
            check_mask(data, frame_size)
            mask = data
        except BadFrame:
            ignored.append("ground_truth_mask")
    if text := payload.get("ground_truth_target"):
        fields = str(text).split(",")
        numbers = [float(field) for field in fields if _NUMBER.fullmatch(field)]
        if len(numbers) == len(fields) == 3 and all(abs(number) <= MAX_COORDINATE for number in numbers):
            target = numbers[0], numbers[1], numbers[2]
        else:
            ignored.append("ground_truth_target")
    return mask, target
