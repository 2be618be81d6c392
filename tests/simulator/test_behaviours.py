"""Patrol and follow, in an empty place and among houses."""

import itertools
import math

import numpy as np
import pytest

from simulator.drone.behaviours import Follow, Patrol
from simulator.drone.quad import Quad
from simulator.geometry import wrap_angle
from simulator.rules import OWN, QUADSIM, Rules
from simulator.types import Box
from simulator.world.obstacles import Obstacles

DT = 0.05
OPEN = Obstacles([])
POINTS = [(0.0, 0.0, 8.0), (60.0, 0.0, 8.0), (60.0, 40.0, 8.0)]


def patrol(seconds: float, quad: Quad, rules: Rules = OWN) -> list[tuple[np.ndarray, float, float, float]]:
    """(position, speed, gimbal yaw, gimbal pitch) of every tick."""
    behaviour, track = Patrol(POINTS, rules), []
    for _ in range(round(seconds / DT)):
        behaviour.step(quad, OPEN, 0.0, 0.0, DT)
        track.append((quad.position, quad.speed, quad.gimbal_yaw, quad.gimbal_pitch))
    return track


def test_on_entry_it_brakes_and_looks_all_round_at_35_degrees_a_second():
    quad = Quad(np.array([5.0, 5.0, 8.0]), velocity=np.array([8.0, 0.0, 0.0]))
    track = patrol(360 / 35 - DT, quad)
    turned = sum(wrap_angle(after[2] - before[2]) for before, after in itertools.pairwise(track))
    assert math.degrees(turned) == pytest.approx(360, abs=6)
    assert quad.speed == 0
    assert np.linalg.norm(quad.position - [5.0, 5.0, 8.0]) < 5


def test_the_gimbal_of_a_patrol_never_turns_faster_and_settles_at_30_degrees_down():
    track = patrol(60, Quad(np.array(POINTS[0]), gimbal_pitch=math.radians(-10)))
    yaws, pitches = np.array([row[2] for row in track]), np.array([row[3] for row in track])
    limit = math.radians(35) * DT + 1e-9
    assert np.abs((np.diff(yaws) + np.pi) % (2 * np.pi) - np.pi).max() <= limit
    assert np.abs(np.diff(pitches)).max() <= limit
    assert math.degrees(pitches[-1]) == pytest.approx(30)


def test_a_patrol_sees_every_direction_again_and_again():
    track = patrol(60, Quad(np.array(POINTS[0])))
    for part in (track[: len(track) // 2], track[len(track) // 2 :]):
        assert len({math.floor(math.degrees(row[2]) / 30) for row in part}) == 12


def test_it_visits_every_point_waits_there_and_keeps_to_the_speed_limit():
    track = patrol(120, Quad(np.array(POINTS[0])))
    for point in POINTS:
        there = [row for row in track if np.linalg.norm(row[0] - point) < 1.5 and row[1] < 0.01]
        assert len(there) * DT >= 4.5
    assert 14.0 < max(row[1] for row in track) <= 15.0 + 1e-9


def test_quadsims_look_round_keeps_the_pitch_it_had_after_following():
    track = patrol(25, Quad(np.array(POINTS[0]), gimbal_pitch=math.radians(45)), QUADSIM)
    pitches = np.degrees([row[3] for row in track])
    looking_round = round(360 / 35 / DT) - 1
    assert pitches[:looking_round] == pytest.approx(45)
    assert pitches[-1] == pytest.approx(30)


def test_quadsims_speed_falls_linearly_within_five_metres_of_a_point():
    track = patrol(40, Quad(np.array(POINTS[0])), QUADSIM)
    near = [(np.linalg.norm(position - POINTS[1]), speed) for position, speed, *_ in track]
    slowing = [speed / distance for distance, speed in near if 1.0 < distance < 2.5 and speed > 0]
    assert np.median(slowing) == pytest.approx(15 / 5, rel=0.15)


def follow(walk, seconds: float, noise: float = 0.0, obstacles: Obstacles = OPEN, start=(20.0, 5.0, 10.0)):
    """Follow `walk(time) -> centre`, reported at 5 Hz; returns quad, behaviour and the distances at every tick."""
    random = np.random.default_rng(1)
    quad, behaviour, distances = Quad(np.array(start)), Follow(walk(0.0), 0.0), []
    for tick in range(round(seconds / DT)):
        if tick % 4 == 0:
            behaviour.report(walk(tick * DT) + random.normal(0, noise, 3) if noise else walk(tick * DT), tick * DT)
        behaviour.step(quad, obstacles, 0.0, (tick + 1) * DT, DT)
        distances.append(float(np.linalg.norm(quad.position - walk((tick + 1) * DT))))
    return quad, behaviour, distances


def test_it_stops_two_metres_behind_and_two_above_and_looks_at_the_target():
    target = np.array([0.0, 0.0, 1.0])
    quad, _, _ = follow(lambda time: target, 20)
    away = quad.position - target
    assert math.hypot(away[0], away[1]) == pytest.approx(2.0, abs=0.1)
    assert away[2] == pytest.approx(2.0, abs=0.1)
    camera = quad.camera
    axis = np.array([math.cos(camera.yaw), math.sin(camera.yaw), -math.tan(camera.pitch)])
    to_target = target - [camera.x, camera.y, camera.z]
    assert axis / np.linalg.norm(axis) == pytest.approx(to_target / np.linalg.norm(to_target), abs=0.02)


def test_it_gets_behind_a_walker():
    quad, _, distances = follow(lambda time: np.array([1.4 * time, 0.0, 1.0]), 40)
    target = 1.4 * 40
    assert target - 5 < quad.position[0] < target - 1.5
    assert abs(quad.position[1]) < 1.0
    assert max(distances[200:]) < 8


@pytest.mark.slow
def test_noisy_reports_of_a_walker_who_turns_corners_keep_it_near():
    def walk(time: float) -> np.ndarray:
        leg, along = divmod(1.4 * time, 15.0)
        corners = np.array([[0, 0], [15, 0], [15, 15], [0, 15]], dtype=float)
        here, there = corners[int(leg) % 4], corners[(int(leg) + 1) % 4]
        return np.array([*(here + (there - here) * along / 15), 1.0])

    _, _, distances = follow(walk, 120, noise=0.4)
    near = np.array(distances[100:])
    assert ((near > 1) & (near < 8)).mean() > 0.95


def test_the_speed_falls_within_ten_metres():
    behaviour, quad = Follow((0.0, 0.0, 1.0), 0.0), Quad(np.array([40.0, 0.0, 3.0]))
    for tick in range(300):
        behaviour.report((0.0, 0.0, 1.0), tick * DT)
        behaviour.step(quad, OPEN, 0.0, tick * DT, DT)
        goal = math.dist(quad.position, (2.0, 0.0, 3.0))
        if goal < 8:  # after a metre or two of braking
            assert quad.speed <= 15 * goal / 10 + 1.5


def test_after_the_last_report_it_goes_on_for_a_moment_then_searches():
    behaviour = Follow((0.0, 0.0, 1.0), 0.0)
    for tick in range(1, 25):
        behaviour.report((1.4 * tick * 0.2, 0.0, 1.0), tick * 0.2)
    last = 1.4 * 24 * 0.2
    assert behaviour.predicted_position(24 * 0.2 + 0.5)[0] == pytest.approx(last + 0.7, abs=0.05)
    assert behaviour.predicted_position(24 * 0.2 + 9)[0] == pytest.approx(last + 1.4, abs=0.1)
    assert not behaviour.searching(24 * 0.2 + 0.9)
    assert behaviour.searching(24 * 0.2 + 1.1)
    assert behaviour.timed_out(24 * 0.2 + 10.1)


def test_searching_looks_to_both_sides_of_where_the_target_was():
    quad, behaviour, _ = follow(lambda time: np.array([0.0, 0.0, 1.0]), 10)
    yaws = []
    for tick in range(160):
        time = 10 + tick * DT
        behaviour.step(quad, OPEN, 0.0, time, DT)
        to_target = math.atan2(-quad.position[1], -quad.position[0])
        yaws.append(math.degrees(wrap_angle(quad.gimbal_yaw - to_target)))
    assert max(yaws) == pytest.approx(60, abs=5)
    assert min(yaws) == pytest.approx(-60, abs=5)


def test_with_a_wall_at_the_targets_back_it_stays_outside_the_wall():
    house = Box((-6.0, 0.0), (10.0, 30.0), 0.0, 20.0, 0.0, "building")  # its face is at x = -1
    quad, _, _ = follow(lambda time: np.array([min(1.4 * time, 28.0) - 0.5, 0.0, 1.0]), 6, obstacles=Obstacles([house]))
    assert quad.collisions == 0
    assert quad.position[0] > -0.6


def test_a_jump_of_the_reports_does_not_throw_the_quad_away():
    behaviour = Follow((0.0, 0.0, 1.0), 0.0)
    for tick in range(1, 50):
        behaviour.report((0.0, 0.0, 1.0) if tick != 40 else (90.0, 0.0, 1.0), tick * 0.2)
    assert np.linalg.norm(behaviour.predicted_position(50 * 0.2) - [0.0, 0.0, 1.0]) < 1.0
