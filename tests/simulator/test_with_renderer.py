"""Episode and the real renderer together: the target is drawn at its position, and flights are reproducible."""

import math

import numpy as np
import pytest

from simulator.episode import Episode
from simulator.rendering.renderer import Renderer
from simulator.rules import Rules
from simulator.world.city_generator import generate_city

pytestmark = pytest.mark.simulator

FOCAL = 128 / math.tan(math.radians(30))


@pytest.fixture(scope="module")
def city():
    return generate_city(1)


@pytest.fixture(scope="module")
def panda(city):
    return Renderer(city, "software")


def project(camera, point) -> tuple[float, float, float]:
    """(row, column, depth) of a world point, from rotation matrices."""
    cy, sy, cp, sp = math.cos(camera.yaw), math.sin(camera.yaw), math.cos(camera.pitch), math.sin(camera.pitch)
    turn = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]]) @ np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    ahead, left, up = turn.T @ (np.array(point) - [camera.x, camera.y, camera.z])
    return 127.5 - FOCAL * up / ahead, 127.5 - FOCAL * left / ahead, ahead


def test_the_target_is_drawn_at_its_position(city, panda):
    episode, offsets, disagreements = Episode(city, renderer=panda), [], 0
    for _ in range(60):
        now = episode.observe()
        disagreements += now.target_visible != episode.target_in_view()
        if now.target_pixels > 200:
            rows, columns = np.nonzero(now.rendered.mask[..., 2])
            row, column, depth = project(now.gimbal_pose, now.target_centre)
            seen = float(np.median(now.rendered.depth[rows, columns])) / 255 * 100
            offsets.append((rows.mean() - row, columns.mean() - column, seen - depth))
        episode.target_detected(now.target_centre)
        episode.step(0.4)
    assert len(offsets) > 20
    row, column, depth = np.median(offsets, axis=0)
    assert abs(row) < 4  # it is some 120 rows high
    assert abs(column) < 2
    assert abs(depth) < 0.4  # a step of the depth image
    assert disagreements <= 6


def test_a_flight_repeats_to_the_last_pixel(city, panda):
    flights = []
    for _ in range(2):
        episode, frames = Episode(city, renderer=panda, rules=Rules(turnover="short")), []
        for _ in range(5):
            now = episode.observe()
            frames.append(np.concatenate([now.rendered.rgb, now.rendered.mask, now.rendered.depth[..., None]], axis=2))
            episode.target_detected(now.target_centre)
            episode.step(1.0)
        flights.append(frames)
    assert all(np.array_equal(one, other) for one, other in zip(*flights, strict=True))
    assert not np.array_equal(flights[0][0], flights[0][-1])
