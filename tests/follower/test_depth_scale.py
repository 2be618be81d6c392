"""The depth scale estimated from the ground: rendered scenes of each build, and frames that allow no estimate."""

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from follower.agent import FollowAgent
from follower.depth.scale import DepthScale, estimate_depth_far
from follower.types import RangeSource, TargetState

CAPTURE = Path(__file__).parents[3] / "shared" / "quadsim_wire" / "session.jsonl"


@pytest.mark.parametrize("far", [50.0, 100.0, 500.0])
@pytest.mark.parametrize(("height", "pitch", "roll"), [(3.0, 45.0, 0.0), (8.0, 30.0, -4.0), (12.0, 5.0, 8.0)])
def test_flat_ground_gives_the_scale(scene, far, height, pitch, roll):
    wire = (30.0, -20.0, height, roll, pitch, 130.0)
    people = [scene.person(30.0 - 8, -20 + 8), scene.person(30.0 - 5, -20 + 9, label=1)]
    _, depth = scene.render(wire, people, far)
    found = estimate_depth_far(depth, scene.camera_of(wire))
    assert found == pytest.approx(far, rel=0.05)


def test_walls_and_sky_give_no_estimate(scene):
    wall = scene.Block((12.0, 0.0, 0.0), (1.0, 60.0, 30.0))
    wire = (0.0, 0.0, 8.0, 0.0, 10.0, 0.0)
    _, depth = scene.render(wire, [wall])
    assert estimate_depth_far(depth, scene.camera_of(wire)) is None
    up = scene.camera_of((0.0, 0.0, 8.0, 0.0, -40.0, 0.0))
    assert estimate_depth_far(np.full((256, 256), 255, np.uint8), up) is None
    under = scene.camera_of((0.0, 0.0, -1.0, 0.0, 30.0, 0.0))
    assert estimate_depth_far(np.full((256, 256), 20, np.uint8), under) is None


@pytest.mark.parametrize("rate", [5, 10, 30])
def test_it_settles_on_a_build_when_estimates_agree_for_half_a_second(scene, rate):
    camera = scene.camera_of((0.0, 0.0, 8.0, 0.0, 30.0, 0.0))
    _, depth = scene.render((0.0, 0.0, 8.0, 0.0, 30.0, 0.0), [], far=500.0)
    scale, frames = DepthScale(), 0
    scale.update(None, camera, 1 / rate)
    while not scale.settled:
        assert scale.far == 100.0
        scale.update(depth, camera, 1 / rate)
        frames += 1
    assert scale.far == 500.0
    assert 0.45 <= frames / rate <= 0.6


def test_ground_that_fits_no_build_settles_nothing(scene):
    wire = (0.0, 0.0, 8.0, 0.0, 30.0, 0.0)
    _, depth = scene.render(wire, [], far=200.0)
    scale = DepthScale()
    for _ in range(20):
        scale.update(depth, scene.camera_of(wire), 0.2)
    assert not scale.settled


@pytest.mark.parametrize("far", [50.0, 100.0, 500.0])
def test_an_agent_finds_out_the_build_in_flight(scene, far, caplog):
    agent = FollowAgent()
    for index in range(8):
        decision = agent.step(*scene.take((0.0, 0.0, 6.0, 0.0, 25.0, 0.0), [scene.person(14.0, 0.0)], index * 0.2, far))
        assert (decision.state is TargetState.FOUND) >= (index >= 4)
    assert decision.range.source is RangeSource.DEPTH
    assert decision.world_point == pytest.approx((14.0, 0.0, 0.8), abs=0.4 + far / 255)
    assert not caplog.records  # no warning


@pytest.mark.skipif(not CAPTURE.exists(), reason="the wire capture is not beside this checkout (../shared)")
def test_depth_that_does_not_belong_to_its_pose_gives_no_estimate(scene):
    """The capture has real poses, 15 degrees down, with one synthetic depth image whose horizon fits 30 degrees."""
    found = []
    for line in CAPTURE.read_text().splitlines():
        text = json.loads(line).get("text", "")
        if '"sensor_frame"' not in text:
            continue
        _, frame = json.loads(text[text.index("[") :])
        image = cv2.imdecode(np.frombuffer(base64.b64decode(frame["depth_image"]), np.uint8), cv2.IMREAD_UNCHANGED)
        camera = scene.camera_of([float(value) for value in frame["gimbal_pose"].split(",")])
        found.append(estimate_depth_far(image[:, :, 0], camera))
    assert len(found) > 20
    assert found == [None] * len(found)


def test_a_roof_taken_for_the_ground_is_corrected_as_soon_as_there_is_ground(scene):
    """From 2.4 m above a roof, at a height of 12.1 m, the depth looks like that of the build of 500 m."""
    agent, roof, person = FollowAgent(), scene.Block((-12.0, 0.0, 0.0), (30.0, 60.0, 9.7)), scene.person(22.0, 0.0)
    above, below = (0.0, 0.0, 12.1, 0.0, 50.0, 0.0), (8.0, 0.0, 3.0, 0.0, 8.0, 0.0)
    for index in range(20):
        agent.step(*scene.take(above, [roof, person], index * 0.2))
    for index in range(20, 35):
        decision = agent.step(*scene.take(below, [person], index * 0.2))
    assert decision.range.source is RangeSource.DEPTH
    assert decision.world_point[:2] == pytest.approx((22.0, 0.0), abs=0.6)
