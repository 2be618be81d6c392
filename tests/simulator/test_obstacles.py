"""Rays and boxes, against cases worked by hand and against brute force."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from simulator.types import Box
from simulator.world.obstacles import Obstacles

HOUSE = Box(center=(10.0, 0.0), size=(4.0, 6.0), bottom=0.0, top=5.0, yaw=0.0, kind="building")


def test_a_ray_meets_the_near_face():
    hit = Obstacles([HOUSE]).cast(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), 20.0)
    assert hit.distance == pytest.approx(8.0)
    assert hit.normal == pytest.approx([-1.0, 0.0, 0.0])


def test_a_margin_meets_it_earlier_and_a_short_ray_does_not():
    obstacles, origin, ahead = Obstacles([HOUSE]), np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0])
    assert obstacles.cast(origin, ahead, 20.0, margin=0.5).distance == pytest.approx(7.5)
    assert obstacles.cast(origin, ahead, 7.9) is None


def test_a_turned_box_has_turned_normals():
    turned = Box((10.0, 0.0), (2.0, 2.0), 0.0, 5.0, math.radians(45), "rock")
    hit = Obstacles([turned]).cast(np.array([0.0, -0.5, 1.0]), np.array([1.0, 0.0, 0.0]), 20.0)
    assert hit.distance == pytest.approx(10 - math.sqrt(2) + 0.5)
    assert hit.normal == pytest.approx([-math.sqrt(0.5), -math.sqrt(0.5), 0.0])


def test_the_nearest_of_several_counts():
    far = Box((30.0, 0.0), (4.0, 6.0), 0.0, 5.0, 0.0, "building")
    hit = Obstacles([far, HOUSE]).cast(np.array([0.0, 0.0, 1.0]), np.array([1.0, 0.0, 0.0]), 50.0)
    assert (hit.index, hit.distance) == (1, pytest.approx(8.0))


def test_a_ray_that_starts_inside_points_to_the_nearest_way_out():
    hit = Obstacles([HOUSE]).cast(np.array([10.0, 2.9, 2.0]), np.array([1.0, 0.0, 0.0]), 5.0)
    assert hit.distance == 0
    assert hit.normal == pytest.approx([0.0, 1.0, 0.0])


def test_views_over_and_through():
    obstacles = Obstacles([HOUSE])
    assert not obstacles.line_of_sight(np.array([0.0, 0.0, 2.0]), np.array([20.0, 0.0, 2.0]))
    assert obstacles.line_of_sight(np.array([0.0, 0.0, 6.0]), np.array([20.0, 0.0, 6.0]))
    assert obstacles.line_of_sight(np.array([0.0, 0.0, 2.0]), np.array([7.0, 0.0, 2.0]))


def test_no_boxes_block_nothing():
    nothing = Obstacles([])
    assert nothing.cast(np.zeros(3), np.array([1.0, 0.0, 0.0]), 5.0) is None
    assert nothing.push_out(np.zeros(3), 1.0) is None


coordinates = st.floats(-20, 20)
points = st.tuples(coordinates, coordinates, st.floats(0.1, 10)).map(np.array)
boxes = st.builds(
    Box,
    center=st.tuples(coordinates, coordinates),
    size=st.tuples(st.floats(0.5, 10), st.floats(0.5, 10)),
    bottom=st.just(0.0),
    top=st.floats(1, 10),
    yaw=st.floats(-math.pi, math.pi),
    kind=st.just("building"),
)


def inside(box: Box, point: np.ndarray, slack: float) -> bool:
    x, y = point[0] - box.center[0], point[1] - box.center[1]
    along = x * math.cos(box.yaw) + y * math.sin(box.yaw)
    across = y * math.cos(box.yaw) - x * math.sin(box.yaw)
    level = abs(along) <= box.size[0] / 2 + slack and abs(across) <= box.size[1] / 2 + slack
    return level and box.bottom - slack <= point[2] <= box.top + slack


@given(st.lists(boxes, min_size=1, max_size=4), points, points)
def test_line_of_sight_agrees_with_walking_along_it(city, start, end):
    assume(np.linalg.norm(end - start) > 0.01)
    samples = start + np.linspace(0, 1, 200)[:, None] * (end - start)
    free = Obstacles(city).line_of_sight(start, end)
    if free:
        assert not any(inside(box, point, -1e-6) for box in city for point in samples)
    else:
        gap = float(np.linalg.norm(end - start)) / 200
        assert any(inside(box, point, gap + 1e-6) for box in city for point in samples)


@given(boxes, points)
def test_pushed_out_is_outside(box, point):
    obstacles = Obstacles([box])
    push = obstacles.push_out(point, 0.4)
    if inside(box, point, 0.4 - 1e-6):
        assert obstacles.push_out(point + 1.001 * push + 1e-9 * push / np.linalg.norm(push), 0.4) is None
    elif not inside(box, point, 0.4 + 1e-6):
        assert push is None
