"""Messages from the wire are valid or refused; commands are what QuadSim accepts."""

import base64
import io
import json
import math
import re
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from follower.types import CreateBoxMarker, DeleteMarker, Motion, ObjectDetected, ObjectLost, Pose
from sim_bridge.wire.bad_frame import BadFrame
from sim_bridge.wire.messages import SensorFrame, command_to_event, parse_pose, parse_sensor_frame


def encode(image: Image.Image, kind: str) -> str:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode()


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_claiming(width: int, height: int, data: bytes = b"", depth: int = 8, colour: int = 6) -> str:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + body).decode()


def cut(text: str, drop: int) -> str:
    return base64.b64encode(base64.b64decode(text)[:-drop]).decode()


def jpeg_claiming(text: str, width: int, height: int) -> str:
    """Return the same JPEG with another size in its header."""
    data = bytearray(base64.b64decode(text))
    start = data.index(b"\xff\xc0")
    data[start + 5 : start + 9] = struct.pack(">HH", height, width)
    return base64.b64encode(bytes(data)).decode()


def decode(frame: SensorFrame) -> tuple[np.ndarray, np.ndarray]:
    return frame.image, frame.depth_image


def kind_of(payload: object, *more: object) -> str:
    """Return the kind with which a payload is refused, decoding included."""
    with pytest.raises(BadFrame) as refusal:
        decode(parse_sensor_frame((payload, *more)))
    assert len(str(refusal.value)) > 15
    return refusal.value.kind


def test_a_frame_as_quadsim_sends_it(payload):
    rows, columns = np.mgrid[0:256, 0:256]
    depth = np.where(rows < 128, 255, columns % 100).astype(np.uint8)
    sent = payload(timestamp=1795225354.18061)
    sent["depth_image"] = encode(Image.fromarray(np.dstack([depth] * 3 + [np.full_like(depth, 255)])), "PNG")
    sent["gimbal_pose"] = "-7.7500,-1.2345,10.4000,90.0000,15.0000,-180.0000"
    frame = parse_sensor_frame((sent,))
    assert frame.timestamp == 1795225354.18061
    gimbal = frame.gimbal_pose
    assert (gimbal.x, gimbal.y, gimbal.z) == (-7.75, -1.2345, 10.4)
    assert (gimbal.roll, gimbal.pitch, gimbal.yaw) == pytest.approx((math.pi / 2, math.pi / 12, -math.pi))
    assert frame.pose.yaw == pytest.approx(math.radians(-2.4316))
    assert frame.image.shape == (256, 256, 3)
    assert abs(int(frame.image[0, 0, 0]) - 100) <= 1
    assert np.array_equal(frame.depth_image, depth)
    assert frame.jpeg == base64.b64decode(sent["rgb_image"])
    assert frame.png == base64.b64decode(sent["depth_image"])


def test_red_stays_red(payload):
    sent = payload() | {"rgb_image": encode(Image.new("RGB", (256, 256), (250, 10, 20)), "JPEG")}
    red, green, blue = parse_sensor_frame((sent,)).image[100, 100]
    assert red > 240
    assert max(green, blue) < 30


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_depth_may_be_grey_or_coloured(payload, mode):
    sent = payload() | {"depth_image": encode(Image.new("L", (256, 256), 77).convert(mode), "PNG")}
    assert (parse_sensor_frame((sent,)).depth_image == 77).all()


def test_ground_truth_and_unknown_keys_refuse_no_frame(payload):
    mask = encode(Image.new("RGB", (256, 256)), "PNG")
    extra = {"ground_truth_mask": mask, "ground_truth_target": "1.5,-2,0", "steering": 3}
    frame = parse_sensor_frame((payload() | extra,))
    ground_truth = frame.ground_truth_mask, frame.ground_truth_target
    assert (*ground_truth, frame.ignored_keys) == (base64.b64decode(mask), (1.5, -2.0, 0.0), ("steering",))
    frame = parse_sensor_frame((payload() | {"ground_truth_target": "", "ground_truth_mask": 3},))
    assert (frame.ground_truth_mask, frame.ground_truth_target, frame.ignored_keys) == (
        None,
        None,
        ("ground_truth_mask",),
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ground_truth_mask", base64.b64encode(b"mask").decode()),
        ("ground_truth_mask", png_claiming(32000, 32000, depth=1, colour=3)),  # 3 GB, if it were unpacked
        ("ground_truth_mask", encode(Image.new("RGB", (64, 64)), "PNG")),
        ("ground_truth_target", "1,2,1e400"),
        ("ground_truth_target", "1e20,2,3"),
        ("ground_truth_target", "1,2"),
    ],
)
def test_ground_truth_that_cannot_be_recorded_is_ignored(payload, key, value):
    frame = parse_sensor_frame((payload() | {key: value},))
    assert (frame.ground_truth_mask, frame.ground_truth_target, frame.ignored_keys) == (None, None, (key,))


@pytest.mark.parametrize(
    "write",
    [
        lambda data: base64.encodebytes(data).decode(),
        lambda data: base64.encodebytes(data).decode().replace("\n", "\r\n"),
        lambda data: "data:image/jpeg;base64," + base64.b64encode(data).decode(),
        lambda data: base64.urlsafe_b64encode(data).decode(),
    ],
    ids=["MIME", "MIME of Windows", "data URL", "alphabet for URLs"],
)
def test_other_ways_to_write_base64_are_read(payload, write):
    sent = payload()
    data = base64.b64decode(sent["rgb_image"])
    assert parse_sensor_frame((sent | {"rgb_image": write(data)},)).jpeg == data


def test_a_long_run_of_blanks_is_refused_at_once(payload):
    """Searching for a data URL from each of them took hours, in which no other simulator was answered."""
    with pytest.raises(BadFrame, match="must be base64"):
        parse_sensor_frame((payload() | {"rgb_image": " " * 4_000_000 + "*"},))


def test_a_data_url_within_base64_is_refused(payload):
    sent = payload()
    with pytest.raises(BadFrame, match="must be base64"):
        parse_sensor_frame((sent | {"rgb_image": sent["rgb_image"] + "data:image/jpeg;base64,"},))


def test_what_is_not_base64_is_said(payload):
    for text, words in {"*": "'*' at position 0", "/9j": "is the end missing", "ab=cd": "'=' at position 2"}.items():
        with pytest.raises(BadFrame, match=re.escape(words)):
            parse_sensor_frame((payload() | {"rgb_image": text},))


def test_decimal_commas_are_read_where_unambiguous(payload):
    sent = payload() | {"pose": "-7,7500,-1,2345,10,5000,0,0000,0,0000,-2,4316", "timestamp": "1795225354,18061"}
    frame = parse_sensor_frame((sent,))
    assert (frame.pose.x, frame.pose.y, frame.pose.z) == (-7.75, -1.2345, 10.5)
    assert frame.timestamp == 1795225354.18061


@given(st.lists(st.floats(-1000, 1000), min_size=6, max_size=6))
def test_decimal_commas_equal_decimal_points(numbers):
    points = ",".join(f"{number:.4f}" for number in numbers)
    assert parse_pose("pose", points.replace(".", ",")) == parse_pose("pose", points)
    assert parse_pose("pose", points.replace(".", ",").replace("-", "\N{MINUS SIGN}")) == parse_pose("pose", points)


BAD = {
    "no arguments": ("wrong-arguments", lambda p, _: None),
    "a list": ("not-an-object", lambda p, _: [p]),
    "null": ("not-an-object", lambda p, _: None),
    "binary": ("not-an-object", lambda p, _: b"frame"),
    "a missing key": ("missing-key", lambda p, _: {k: v for k, v in p.items() if k != "depth_image"}),
    "an empty object": ("missing-key", lambda p, _: {}),
    "a nested event": ("missing-key", lambda p, _: {"sensor_frame": p}),
    "a number as image": ("wrong-type", lambda p, _: p | {"rgb_image": 7}),
    "binary as image": ("wrong-type", lambda p, _: p | {"rgb_image": b"\xff\xd8"}),
    "an object as pose": ("wrong-type", lambda p, _: p | {"pose": {"x": 1}}),
    "null as timestamp": ("wrong-type", lambda p, _: p | {"timestamp": None}),
    "true as timestamp": ("wrong-type", lambda p, _: p | {"timestamp": True}),
    "words as timestamp": ("bad-timestamp", lambda p, _: p | {"timestamp": "now"}),
    "a NaN timestamp": ("bad-timestamp", lambda p, _: p | {"timestamp": float("nan")}),
    "an infinite timestamp": ("bad-timestamp", lambda p, _: p | {"timestamp": "inf"}),
    "a huge timestamp": ("bad-timestamp", lambda p, _: p | {"timestamp": 10**4000}),
    "not base64": ("bad-base64", lambda p, _: p | {"rgb_image": "*" + p["rgb_image"]}),
    "base64 that is cut off": ("bad-base64", lambda p, _: p | {"depth_image": p["depth_image"][:41]}),
    "the text of a bytes object": ("bad-base64", lambda p, _: p | {"rgb_image": f"b'{p['rgb_image']}'"}),
    "an umlaut": ("bad-base64", lambda p, _: p | {"rgb_image": "ü" * 40}),
    "no image": ("bad-base64", lambda p, _: p | {"rgb_image": ""}),
    "a PNG as camera image": ("bad-jpeg", lambda p, _: p | {"rgb_image": p["depth_image"]}),
    "half a JPEG": ("bad-jpeg", lambda p, _: p | {"rgb_image": cut(p["rgb_image"], 400)}),
    "a JPEG without its end": ("bad-jpeg", lambda p, _: p | {"rgb_image": cut(p["rgb_image"], 2)}),
    "a JPEG of markers only": ("bad-jpeg", lambda p, _: p | {"rgb_image": "/9j/2Q=="}),
    "a small JPEG": ("wrong-size", lambda p, make: p | {"rgb_image": make(size=128)["rgb_image"]}),
    "a JPEG bomb": ("wrong-size", lambda p, _: p | {"rgb_image": jpeg_claiming(p["rgb_image"], 65500, 65500)}),
    "a grey JPEG": ("wrong-mode", lambda p, _: p | {"rgb_image": encode(Image.new("L", (256, 256)), "JPEG")}),
    "a CMYK JPEG": ("wrong-mode", lambda p, _: p | {"rgb_image": encode(Image.new("CMYK", (256, 256)), "JPEG")}),
    "a JPEG as depth": ("bad-png", lambda p, _: p | {"depth_image": p["rgb_image"]}),
    "half a PNG": ("bad-png", lambda p, _: p | {"depth_image": cut(p["depth_image"], 100)}),
    "a PNG without its end": ("bad-png", lambda p, _: p | {"depth_image": cut(p["depth_image"], 12)}),
    "a PNG too short inside": ("bad-png", lambda p, _: p | {"depth_image": png_claiming(256, 256, b"\0" * 99)}),
    "a large PNG": ("wrong-size", lambda p, make: p | {"depth_image": make(size=512)["depth_image"]}),
    "a PNG bomb": ("wrong-size", lambda p, _: p | {"depth_image": png_claiming(60000, 60000)}),
    "a palette PNG": ("wrong-mode", lambda p, _: p | {"depth_image": encode(Image.new("P", (256, 256)), "PNG")}),
    "a 16 bit PNG": ("wrong-mode", lambda p, _: p | {"depth_image": encode(Image.new("I;16", (256, 256)), "PNG")}),
    "five numbers": ("bad-pose", lambda p, _: p | {"pose": "1,2,3,4,5"}),
    "seven numbers": ("bad-pose", lambda p, _: p | {"pose": "1,2,3,4,5,6,7"}),
    "NaN in a pose": ("bad-pose", lambda p, _: p | {"gimbal_pose": "1,2,nan,4,5,6"}),
    "inf in a pose": ("bad-pose", lambda p, _: p | {"gimbal_pose": "1,2,-inf,4,5,6"}),
    "overflow in a pose": ("bad-pose", lambda p, _: p | {"gimbal_pose": "1,2,1e999,4,5,6"}),
    "a pose beyond the world": ("bad-pose", lambda p, _: p | {"pose": "1,2,1e9,4,5,6"}),
    "a gap in a pose": ("bad-pose", lambda p, _: p | {"pose": "1,2,,4,5,6"}),
    "underscores": ("bad-pose", lambda p, _: p | {"pose": "1_0,2,3,4,5,6"}),
    "ambiguous decimal commas": ("bad-pose", lambda p, _: p | {"pose": "-7,75,-1,2345,10,5,0,0,15,0,-2"}),
    "twelve numbers that are no fractions": ("bad-pose", lambda p, _: p | {"pose": "1,2,3,-4,5,6,7,8,9,10,11,12"}),
    "a megabyte of pose": ("bad-pose", lambda p, _: p | {"pose": "1," * 500_000}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_frame_is_refused_with_a_reason(payload, case):
    kind, spoil = BAD[case]
    if case == "no arguments":
        with pytest.raises(BadFrame) as refusal:
            parse_sensor_frame(())
        assert refusal.value.kind == kind
    else:
        assert kind_of(spoil(payload(), payload)) == kind


def test_the_refusal_of_another_size_names_the_setting(payload):
    with pytest.raises(BadFrame) as refusal:
        parse_sensor_frame((payload(size=128),))
    assert str(refusal.value) == "rgb_image must be 256x256 pixels (the setting bridge.frame_size), got 128x128"


def test_two_arguments_are_refused(payload):
    assert kind_of(payload(), payload()) == "wrong-arguments"


def test_a_damaged_byte_of_depth_is_found(payload):
    data = bytearray(base64.b64decode(payload()["depth_image"]))
    data[len(data) // 2] ^= 1
    with pytest.raises(BadFrame, match="wrong checksum"):  # on arrival, not when depth is needed
        parse_sensor_frame((payload() | {"depth_image": base64.b64encode(bytes(data)).decode()},))


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.binary(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=10,
)


def parse_or_refuse(arguments: tuple) -> None:
    try:
        frame = parse_sensor_frame(arguments)
        assert frame.image.shape == (256, 256, 3)
        assert frame.depth_image.shape == (256, 256)
        assert frame.depth_image.dtype == np.uint8
        assert all(map(math.isfinite, (*vars(frame.pose).values(), *vars(frame.gimbal_pose).values(), frame.timestamp)))
    except BadFrame as refusal:
        assert refusal.kind  # noqa: PT017 - both results are right


@given(
    key=st.sampled_from(["timestamp", "pose", "gimbal_pose", "rgb_image", "ground_truth_target", "new"]), value=ANY_JSON
)
def test_any_value_of_a_key_is_read_or_refused(payload, key, value):
    parse_or_refuse((payload() | {key: value},))


@given(st.lists(ANY_JSON, max_size=3))
def test_any_other_arguments_are_refused(arguments):
    with pytest.raises(BadFrame):
        parse_sensor_frame(tuple(arguments))


@given(st.text(alphabet="0123456789.,-+eE nainf", max_size=60))
def test_any_text_as_a_pose_is_six_numbers_or_refused(payload, text):
    parse_or_refuse((payload() | {"pose": text, "timestamp": text},))


@given(st.sampled_from(["rgb_image", "depth_image"]), st.integers(0, 10**6), st.integers(0, 255), st.booleans())
def test_damaged_images_are_read_or_refused(payload, key, place, value, shorten):
    sent = payload()
    data = bytearray(base64.b64decode(sent[key]))
    place %= len(data)
    data[place] = value
    if shorten:
        del data[place:]
    parse_or_refuse((sent | {key: base64.b64encode(bytes(data)).decode()},))


def test_commands_are_single_objects_in_degrees():
    pose = Pose(1, 2, 3, math.pi / 2, -math.pi / 4, math.pi)
    marker = CreateBoxMarker(7, pose, (0.7, 0.7, 2), (0, 0, 1, 0.5), -1)
    assert command_to_event(ObjectDetected((np.float32(1.5), 2, -3))) == ("object_detected", {"coords": [1.5, 2, -3]})
    moving = ObjectDetected((1.0, 2.0, 3.0), Motion((0.5, -1.0, 0.0), 20.25))
    detected = {"coords": [1.0, 2.0, 3.0], "velocity": [0.5, -1.0, 0.0], "time": 20.25}
    assert command_to_event(moving) == ("object_detected", detected)
    assert command_to_event(ObjectLost()) == ("object_lost", {})
    assert command_to_event(ObjectLost((1.0, 2.0, 3.0))) == ("object_lost", {"coords": [1.0, 2.0, 3.0]})
    assert command_to_event(DeleteMarker(7)) == ("delete_marker", {"id": 7})
    event, sent = command_to_event(marker)
    assert event == "create_box_marker"
    assert sent["pose"] == pytest.approx([1, 2, 3, 90, -45, 180])
    assert (sent["id"], sent["duration"], sent["color"], sent["dimensions"]) == (7, -1, [0, 0, 1, 0.5], [0.7, 0.7, 2])
    json.dumps([event, sent], allow_nan=False)


@pytest.mark.parametrize(
    "command",
    [
        ObjectDetected((1, math.nan, 2)),
        ObjectDetected((1, 2)),
        ObjectDetected((math.inf, 1, 2)),
        ObjectDetected((1, 2, 3), Motion((math.nan, 0, 0), 0.0)),
        DeleteMarker(2**24),
        DeleteMarker(-1),
    ],
)
def test_values_that_quadsim_would_misread_are_not_sent(command):
    with pytest.raises(ValueError, match="must"):
        command_to_event(command)
