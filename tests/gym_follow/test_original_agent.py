"""The baseline agent reproduces the mistakes and the rules of the agent of 2017."""

from types import SimpleNamespace

import numpy as np

from follower.types import ObjectDetected, ObjectLost, Pose
from gym_follow.agents.original import OriginalDecisions


def frame(depth):
    level = Pose(0, 0, 0, 0, 0, 0)
    return SimpleNamespace(depth_image=depth, gimbal_pose=level, pose=level)


def seen_at(row, column, size=256, half=4):
    probabilities = np.zeros((size, size, 3), np.float32)
    probabilities[row - half : row + half + 1, column - half : column + half + 1, 2] = 1
    return probabilities


def test_straight_ahead_only_the_scale_of_depth_is_wrong():
    depth = np.full((256, 256), 51, np.uint8)  # 20 m where 255 is 100 m
    (command,) = OriginalDecisions().step(frame(depth), seen_at(128, 128))
    assert command == ObjectDetected((10.0, 0.0, 0.0))  # it takes 255 for 50 m


def test_row_and_column_are_swapped():
    depth = np.full((256, 256), 255, np.uint8)
    (command,) = OriginalDecisions().step(frame(depth), seen_at(128, 192))
    x, y, z = command.coords
    # 64 pixels to the right of the middle come out as 64 pixels below it.
    np.testing.assert_allclose((x, y, z), (50.0, 0.0, -50.0 * 64 / 256))


def test_a_single_pixel_at_the_wrong_place_gives_the_depth():
    depth = np.full((256, 256), 200, np.uint8)
    depth[80, 80] = 51  # where the 160-pixel network's centroid points in the 256-pixel image
    (command,) = OriginalDecisions().step(frame(depth), seen_at(80, 80, size=160))
    assert command.coords[0] == 10.0


def test_it_is_lost_after_more_than_six_misses_and_reports_that_once():
    agent, depth = OriginalDecisions(), np.full((256, 256), 100, np.uint8)
    agent.step(frame(depth), seen_at(100, 100))
    nothing = np.zeros((256, 256, 3), np.float32)
    answers = [agent.step(frame(depth), nothing) for _ in range(9)]
    assert [bool(answer) for answer in answers] == [False] * 6 + [True] + [False] * 2
    assert answers[6] == (ObjectLost(),)
