"""Outgoing messages, against the capture of the real client."""

import base64
import math
import re

import cv2
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulator.link import frames
from simulator.types import Pose

NUMBER = r"-?\d+\.\d{4}"
POSE = re.compile(rf"{NUMBER}(,{NUMBER}){{5}}")
TIMESTAMP = re.compile(r"\d{10}(\.\d{1,5})?")


def test_the_patterns_of_these_tests_describe_the_real_client(quadsim_frames):
    assert quadsim_frames
    for payload in quadsim_frames:
        assert TIMESTAMP.fullmatch(payload["timestamp"])
        assert POSE.fullmatch(payload["pose"])
        assert POSE.fullmatch(payload["gimbal_pose"])


def test_numbers_are_written_as_the_real_client_writes_them(quadsim_frames):
    for payload in quadsim_frames:
        assert frames.format_timestamp(float(payload["timestamp"])) == payload["timestamp"]
        for key in ("pose", "gimbal_pose"):
            numbers = [float(number) for number in payload[key].split(",")]
            pose = Pose(*numbers[:3], *(math.radians(angle) for angle in numbers[3:]))
            assert frames.format_pose(pose) == payload[key]


def test_images_are_encoded_as_the_real_clients_are(quadsim_frames):
    jpeg = base64.b64decode(quadsim_frames[0]["rgb_image"])
    ours = frames.encode_jpeg(np.zeros((256, 256, 3), np.uint8))
    assert quantisation_tables(ours) == quantisation_tables(jpeg)
    png = base64.b64decode(quadsim_frames[0]["depth_image"])
    ours = frames.encode_depth(np.zeros((256, 256), np.uint8))
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
    text = frames.format_pose(pose)
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
    assert frames.format_pose(Pose(1, 2, 3, 0, math.radians(-10), math.radians(90))) == (
        "1.0000,2.0000,3.0000,0.0000,350.0000,-270.0000"
    )


def test_depth_and_mask_survive_exactly():
    random = np.random.default_rng(0)
    depth, mask = random.integers(0, 256, (256, 256), np.uint8), random.integers(0, 2, (256, 256, 3), np.uint8) * 255
    decoded = cv2.imdecode(np.frombuffer(frames.encode_depth(depth), np.uint8), cv2.IMREAD_UNCHANGED)
    assert decoded.shape == (256, 256, 4)
    assert all((decoded[..., channel] == depth).all() for channel in range(3))
    assert (decoded[..., 3] == 255).all()
    decoded = cv2.imdecode(np.frombuffer(frames.encode_mask(mask), np.uint8), cv2.IMREAD_COLOR_RGB)
    assert (decoded == mask).all()
