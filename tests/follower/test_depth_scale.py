"""The depth scale told from the ground: drawn scenes of each build, and frames that tell nothing."""

import base64
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from follower.agent import AgentSettings, FollowAgent
from follower.depth_scale import DepthScale, far_from_ground
from follower.geometry import pose_from_wire
from follower.types import RangeSource

CAPTURE = Path(__file__).parents[3] / "shared" / "quadsim_wire" / "session.jsonl"


@pytest.mark.parametrize("far", [50.0, 100.0, 500.0])
@pytest.mark.parametrize(("height", "pitch", "roll"), [(3.0, 45.0, 0.0), (8.0, 30.0, -4.0), (12.0, 5.0, 8.0)])
def test_flat_ground_tells(scene, far, height, pitch, roll):
    wire = (30.0, -20.0, height, roll, pitch, 130.0)
    people = [scene.person(30.0 - 8, -20 + 8), scene.person(30.0 - 5, -20 + 9, label=1)]
    _, depth = scene.render(wire, people, far)
    found = far_from_ground(depth, pose_from_wire(wire), 60.0)
    assert found == pytest.approx(far, rel=0.05)


def test_ground_at_another_height(scene):
    wire = (0.0, 0.0, 8.0, 0.0, 30.0, 0.0)
    _, depth = scene.render(wire, [])
    raised = pose_from_wire((0.0, 0.0, 28.0, 0.0, 30.0, 0.0))
    assert far_from_ground(depth, raised, 60.0, ground=20.0) == pytest.approx(100, rel=0.05)


def test_walls_and_sky_tell_nothing(scene):
    wall = scene.Block((12.0, 0.0, 0.0), (1.0, 60.0, 30.0))
    wire = (0.0, 0.0, 8.0, 0.0, 10.0, 0.0)
    _, depth = scene.render(wire, [wall])
    assert far_from_ground(depth, pose_from_wire(wire), 60.0) is None
    up = pose_from_wire((0.0, 0.0, 8.0, 0.0, -40.0, 0.0))
    assert far_from_ground(np.full((256, 256), 255, np.uint8), up, 60.0) is None
    under = pose_from_wire((0.0, 0.0, -1.0, 0.0, 30.0, 0.0))
    assert far_from_ground(np.full((256, 256), 20, np.uint8), under, 60.0) is None


def test_it_settles_on_a_build_after_some_frames_that_agree(scene):
    wire = (0.0, 0.0, 8.0, 0.0, 30.0, 0.0)
    _, depth = scene.render(wire, [], far=500.0)
    scale = DepthScale(60.0)
    scale.watch(None, pose_from_wire(wire))
    for _ in range(4):
        scale.watch(depth, pose_from_wire(wire))
        assert (scale.far, scale.settled) == (100.0, False)
    scale.watch(depth, pose_from_wire(wire))
    assert (scale.far, scale.settled) == (500.0, True)


def test_ground_that_fits_no_build_settles_nothing(scene):
    wire = (0.0, 0.0, 8.0, 0.0, 30.0, 0.0)
    _, depth = scene.render(wire, [], far=200.0)
    scale = DepthScale(60.0)
    for _ in range(20):
        scale.watch(depth, pose_from_wire(wire))
    assert not scale.settled


@pytest.mark.parametrize("far", [50.0, 100.0, 500.0])
def test_an_agent_set_to_auto_learns_the_build_in_flight(scene, far):
    agent = FollowAgent(AgentSettings(depth_far="auto"))
    for index in range(8):
        decision = agent.step(*scene.take((0.0, 0.0, 6.0, 0.0, 25.0, 0.0), [scene.person(14.0, 0.0)], index * 0.2, far))
    assert decision.range.source is RangeSource.DEPTH
    assert decision.world_point == pytest.approx((14.0, 0.0, 0.8), abs=0.4 + far / 255)


def test_with_another_builds_depth_the_hero_is_followed_by_her_height(scene, caplog):
    """By a scale twice too large she is a giant, which is no hero, until the ground tells that it is the scale."""
    agent = FollowAgent()  # 100 m
    for index in range(12):
        decision = agent.step(
            *scene.take((0.0, 0.0, 6.0, 0.0, 25.0, 0.0), [scene.person(14.0, 0.0)], index * 0.2, 50.0)
        )
    assert decision.range.source is RangeSource.HEIGHT
    assert decision.commands[0].coords == pytest.approx((14.0, 0.0, 0.8), abs=1.0)
    assert [record.getMessage() for record in caplog.records] == [
        "the ground looks as if depth_far were 50, not 100: distances are told by apparent height"
    ]


@pytest.mark.skipif(not CAPTURE.exists(), reason="the wire capture is not beside this checkout (../shared)")
def test_depth_that_does_not_belong_to_its_pose_tells_nothing():
    """The capture has real poses, 15 degrees down, with one made-up depth image whose horizon is that of 30 degrees."""
    found = []
    for line in CAPTURE.read_text().splitlines():
        text = json.loads(line).get("text", "")
        if '"sensor_frame"' not in text:
            continue
        _, frame = json.loads(text[text.index("[") :])
        image = cv2.imdecode(np.frombuffer(base64.b64decode(frame["depth_image"]), np.uint8), cv2.IMREAD_UNCHANGED)
        camera = pose_from_wire([float(value) for value in frame["gimbal_pose"].split(",")])
        found.append(far_from_ground(image[:, :, 0], camera, 60.0))
    assert len(found) > 20
    assert found == [None] * len(found)
