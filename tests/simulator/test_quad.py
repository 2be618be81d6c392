"""What the quad can do, and that it keeps clear of things."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.drone.quad import Quad
from simulator.geometry import turn_towards, wrap_angle
from simulator.types import Box
from simulator.world.obstacles import Obstacles

DT = 0.05
OPEN = Obstacles([])
HOUSE = Box((30.0, 0.0), (10.0, 10.0), 0.0, 20.0, 0.0, "building")


def quad_at(*position: float) -> Quad:
    return Quad(np.array(position, dtype=float))


def test_full_speed_is_reached_in_three_seconds_and_not_passed():
    quad, speeds = quad_at(0, 0, 10), []
    for _ in range(100):
        quad.fly(np.array([999.0, 0, 0]), 99.0, OPEN, 0.0, DT)
        speeds.append(quad.speed)
    assert speeds[29] == pytest.approx(7.5, abs=0.01)
    assert speeds[59] == pytest.approx(15.0, abs=0.01)
    assert max(speeds) <= 15.0 + 1e-9


def test_it_stops_within_five_metres():
    quad = quad_at(0, 0, 10)
    quad.velocity = np.array([15.0, 0, 0])
    while quad.speed > 0:
        quad.fly(np.zeros(3), 0.0, OPEN, 0.0, DT)
    assert 4.0 < quad.position[0] < 5.0


def test_the_body_turns_at_ninety_degrees_a_second_the_short_way():
    quad = Quad(np.zeros(3), yaw=math.radians(170))
    quad.turn_body(math.radians(-100), 0.5)
    assert math.degrees(quad.yaw) == pytest.approx(-145)


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0, 4))
def test_turning_never_overshoots(angle, goal, step):
    turned = turn_towards(angle, goal, step)
    assert abs(wrap_angle(turned - angle)) <= step + 1e-9
    assert abs(wrap_angle(goal - turned)) == pytest.approx(max(0.0, abs(wrap_angle(goal - angle)) - step), abs=1e-9)


def fly_to(quad: Quad, goal: np.ndarray, obstacles: Obstacles, seconds: float, speed: float = 6.0) -> np.ndarray:
    track = []
    for _ in range(round(seconds / DT)):
        way = goal - quad.position
        quad.fly(way, min(speed, 1.5 * float(np.linalg.norm(way))), obstacles, 0.0, DT)
        track.append(quad.position)
    return np.array(track)


@pytest.mark.parametrize("y", [0.0, 2.0, -2.0, 4.9])
@pytest.mark.parametrize("speed", [3.0, 15.0])
def test_it_goes_round_a_house_that_stands_in_the_way(y, speed):
    quad, goal = quad_at(0, y, 5), np.array([60.0, y, 5.0])
    fly_to(quad, goal, Obstacles([HOUSE]), 60.0, speed)
    assert np.linalg.norm(quad.position - goal) < 0.5
    assert quad.collisions == 0


def test_it_flies_over_what_is_low():
    hedge = Box((10.0, 0.0), (2.0, 30.0), 0.0, 3.0, 0.0, "hedge")
    quad, goal = quad_at(0, 0, 2), np.array([20.0, 0.0, 2.0])
    track = fly_to(quad, goal, Obstacles([hedge]), 30.0)
    assert np.linalg.norm(quad.position - goal) < 0.5
    assert np.abs(track[:, 1]).max() < 1.0
    assert quad.collisions == 0


def test_a_wall_that_is_flown_into_stops_it_and_counts_once():
    quad = quad_at(24.0, 0, 5)
    quad.velocity = np.array([15.0, 0.0, 0.0])
    for _ in range(20):
        quad.fly(np.array([15.0, 0.0, 0.0]), 15.0, Obstacles([HOUSE]), 0.0, DT)
        assert quad.position[0] <= 25.0 - 0.4 + 1e-9
    assert quad.collisions == 1


@pytest.mark.slow
@given(st.integers(0, 2**32 - 1))
def test_it_is_never_inside_a_house_nor_under_the_ground(seed):
    random = np.random.default_rng(seed)
    boxes = [
        Box(
            tuple(random.uniform(-20, 20, 2)),
            tuple(random.uniform(2, 8, 2)),
            0.0,
            12.0,
            random.uniform(0, 3),
            "building",
        )
        for _ in range(4)
    ]
    quad, obstacles, wanted = quad_at(0, 0, 20), Obstacles(boxes), np.zeros(3)
    for tick in range(60):
        if tick % 10 == 0:
            wanted = random.uniform(-20, 20, 3)
        quad.fly(wanted, 20.0, obstacles, 0.0, DT)
        assert quad.speed <= 15.0 + 1e-9
        assert quad.position[2] >= 0.8 - 1e-9
        push = obstacles.push_out(quad.position, 0.0)
        assert push is None
