"""Messages, against the capture of the real client and against rubbish."""

import base64
import json
import math
import re

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.link import wire
from simulator.types import Pose

NUMBER = r"-?\d+\.\d{4}"
POSE = re.compile(rf"{NUMBER}(,{NUMBER}){{5}}")
TIMESTAMP = re.compile(r"\d{10}(\.\d{1,5})?")


@pytest.fixture(scope="module")
def captured(shared) -> list[dict]:
    """The payloads of the real client's frames."""
    lines = (json.loads(line) for line in (shared / "quadsim_wire" / "session.jsonl").open(encoding="utf-8"))
    texts = [line["text"] for line in lines if line["from"] == "quadsim" and "sensor_frame" in line.get("text", "")]
    assert texts
    return [json.loads(text.removeprefix("42"))[1] for text in texts]


def test_the_patterns_of_these_tests_describe_the_real_client(captured):
    for payload in captured:
        assert TIMESTAMP.fullmatch(payload["timestamp"])
        assert POSE.fullmatch(payload["pose"])
        assert POSE.fullmatch(payload["gimbal_pose"])


def test_numbers_are_written_as_the_real_client_writes_them(captured):
    for payload in captured:
        assert wire.format_timestamp(float(payload["timestamp"])) == payload["timestamp"]
        for key in ("pose", "gimbal_pose"):
            numbers = [float(number) for number in payload[key].split(",")]
            pose = Pose(*numbers[:3], *(math.radians(angle) for angle in numbers[3:]))
            assert wire.format_pose(pose) == payload[key]


def test_images_are_encoded_as_the_real_clients_are(captured):
    jpeg = base64.b64decode(captured[0]["rgb_image"])
    ours = base64.b64decode(wire.encode_jpeg(np.zeros((256, 256, 3), np.uint8)))
    assert quantisation_tables(ours) == quantisation_tables(jpeg)
    png = base64.b64decode(captured[0]["depth_image"])
    ours = base64.b64decode(wire.encode_depth(np.zeros((256, 256), np.uint8)))
    assert ours[:33][:29] == png[:33][:29]  # signature and header: size, bit depth, colour type


def quantisation_tables(jpeg: bytes) -> list[bytes]:
    """The tables of every DQT segment, one each."""
    tables, place = [], 2
    while jpeg[place + 1] != 0xDA:
        length = int.from_bytes(jpeg[place + 2 : place + 4], "big")
        if jpeg[place + 1] == 0xDB:
            body = jpeg[place + 4 : place + 2 + length]
            tables += [body[start : start + 65] for start in range(0, len(body), 65)]
        place += 2 + length
    return tables


finite = st.floats(-1e4, 1e4)


@given(st.builds(Pose, finite, finite, finite, finite, finite, finite))
@example(Pose(-0.0, -1e-9, 1e-9, 0.0, 0.0, -0.0))
def test_poses_keep_to_unitys_ranges_and_mean_the_same(pose):
    text = wire.format_pose(pose)
    assert POSE.fullmatch(text)
    assert "-0.0000" not in text
    x, y, z, roll, pitch, yaw = (float(number) for number in text.split(","))
    assert (x, y, z) == pytest.approx((pose.x, pose.y, pose.z), abs=1e-4)
    assert -360 <= roll <= 0
    assert 0 <= pitch <= 360
    assert -360 <= yaw <= 0
    for degrees, radians in ((roll, pose.roll), (pitch, pose.pitch), (yaw, pose.yaw)):
        assert math.cos(math.radians(degrees) - radians) == pytest.approx(1, abs=1e-6)


def test_looking_up_wraps_as_in_unity():
    assert wire.format_pose(Pose(1, 2, 3, 0, math.radians(-10), math.radians(90))) == (
        "1.0000,2.0000,3.0000,0.0000,350.0000,-270.0000"
    )


def test_depth_and_mask_survive_exactly():
    random = np.random.default_rng(0)
    depth, mask = random.integers(0, 256, (256, 256), np.uint8), random.integers(0, 2, (256, 256, 3), np.uint8) * 255
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(wire.encode_depth(depth)), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.shape == (256, 256, 4)
    assert all((decoded[..., channel] == depth).all() for channel in range(3))
    assert (decoded[..., 3] == 255).all()
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(wire.encode_mask(mask)), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (decoded == mask).all()


def test_commands_as_the_server_of_the_capture_sends_them():
    assert wire.parse_command('42["object_detected",{"coords":[1.51,-2.25,3]}]') == wire.Detected((1.51, -2.25, 3.0))
    marker = wire.parse_command(
        '42["create_box_marker",{"id":10001,"pose":[1.5,-2.25,3,0,0,90],"dimensions":[0.7,0.7,2.0],'
        '"color":[0,0,1,0.1],"duration":0.4}]'
    )
    assert (marker.id, marker.dimensions, marker.color, marker.duration) == (10001, (0.7, 0.7, 2), (0, 0, 1, 0.1), 0.4)
    assert marker.pose.yaw == pytest.approx(math.pi / 2)
    assert wire.parse_command('42["object_lost"]') == wire.parse_command('42["object_lost",{"any":1}]') == wire.Lost()
    assert wire.parse_command('42["delete_marker",{"id":3.7}]') == wire.DeleteMarker(3)
    assert wire.parse_command('4312[{"outcome":"skipped"}]') == wire.FrameDone(12)


def test_what_people_ask_of_the_stand_in():
    assert wire.parse_command('42["set_speed",{"speed":9}]') == wire.SetSpeed(9.0)
    assert wire.parse_command('42["new_episode",{"seed":7,"people":0}]') == wire.NewEpisode(7, 0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('42["object_detected",{"coords":[1,2]}]', "coords to be a list of 3 numbers"),
        ('42["object_detected",{"coords":["1","2","3"]}]', "finite numbers in coords"),
        ('42["object_detected",{"coords":[1,2,NaN]}]', "finite numbers in coords"),
        ('42["object_detected",{"coords":[true,2,3]}]', "finite numbers in coords"),
        ('42["object_detected",[1,2,3]]', "expected one object"),
        ('42["object_lost",{},{}]', "expected one object"),
        ('42["object_lost",7]', "expected one object"),
        ('42["delete_marker",{"id":16777216}]', "id from 0 to 16777215"),
        ('42["delete_marker",{}]', "finite numbers in id"),
        ('42["take_off",{}]', "unknown event take_off"),
        ('42["set_speed",{"speed":9.5}]', "expected speed from 0.1 to 9, got 9.5"),
        ('42["set_speed",{"speed":"2"}]', "finite numbers in speed"),
        ('42["set_speed",{}]', "finite numbers in speed"),
        ('42["set_speed",3]', "expected one object"),
        ('42["new_episode",{"people":3}]', "finite numbers in seed"),
        ('42["new_episode",{"seed":1.5,"people":3}]', "seed to be a whole number"),
        ('42["new_episode",{"seed":-1,"people":3}]', "expected seed from 0 to"),
        ('42["new_episode",{"seed":1,"people":501}]', "expected people from 0 to 500"),
        ('42["object_lost"', "as JSON"),
        ('451-["object_lost",{"_placeholder":true,"num":0}]', "as JSON"),
        ("42" + "[" * 100_000, "as JSON"),
        (f'42["delete_marker",{{"id":{"9" * 400}}}]', "finite numbers in id"),
    ],
)
def test_what_quadsim_would_not_understand_is_refused_with_a_reason(text, reason):
    with pytest.raises(wire.CommandError, match=re.escape(reason)):
        wire.parse_command(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda children: (
        st.lists(children, max_size=6)
        | st.dictionaries(st.sampled_from(["id", "coords", "pose", "dimensions", "color", "duration"]), children)
    ),
    max_leaves=25,
)
names = st.sampled_from(["object_detected", "object_lost", "create_box_marker", "delete_marker", "x"])


@given(
    st.text(max_size=40)
    | st.text('0123456789[]{}":', max_size=12).map("4{}".format)
    | st.builds(lambda name, rest: "42" + json.dumps([name, *rest]), names, st.lists(json_values))
)
def test_anything_is_a_command_or_a_refusal(text):
    try:
        outcome = wire.parse_command(text)
    except wire.CommandError as error:
        outcome = error
    assert isinstance(outcome, wire.Command) or len(str(outcome)) < 400
