"""The city: solid things where they are said to be, and room to walk and to fly."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.types import Box
from simulator.world.city import KERB, City, Light, distance_to
from simulator.world.city_generator import generate_city

SEEDS = (0, 3, 17)


@pytest.fixture(scope="module", params=SEEDS)
def city(request):
    return generate_city(request.param)


def bare(*boxes: Box) -> City:
    light = Light(0.0, 1.0, 0.6, 0.5, 0.0)
    return City(0, (-20.0, -20.0, 20.0, 20.0), boxes, ((0.0, 0.0, 10.0, 10.0),), (), (), (), light)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_city_and_another_another():
    one, again, other = generate_city(4), generate_city(4), generate_city(5)
    assert one.boxes == again.boxes
    assert one.light == again.light
    assert one.patrol_points == again.patrol_points
    assert all(np.array_equal(a, b) for a, b in zip(one.target_paths, again.target_paths, strict=True))
    assert one.boxes != other.boxes


def test_what_a_city_has(city):
    kinds = {box.kind for box in city.boxes}
    assert {"building", "trunk", "crown", "lamp"} <= kinds
    assert {"road", "pavement", "lawn", "slabs", "white", "yellow"} <= {surface.kind for surface in city.surfaces}
    assert len(city.patrol_points) >= 4
    assert len(city.target_paths) >= 8


def test_boxes_are_boxes(city):
    for box in city.boxes:
        assert box.top > box.bottom >= 0
        assert min(box.size) > 0


def test_most_of_the_ground_is_free_to_walk(city):
    x, y = np.random.default_rng(0).uniform(-70, 70, (2, 4000))
    assert 0.6 < np.mean(city.is_walkable(x, y, 0.3)) < 0.97


def test_target_paths_keep_clear_of_everything_below_head_height(city):
    solid = [box for box in city.boxes if box.bottom < 2.0]
    for path in city.target_paths:
        for start, end in itertools.pairwise(path):
            steps = np.linspace(start, end, 2 + int(np.hypot(*(end - start)) / 0.1))
            assert min(float(np.min(distance_to(box, *steps.T))) for box in solid) > 0.8
            assert np.abs(steps).max() < city.extent[2]


def test_patrol_points_are_in_free_air(city):
    for x, y, z in city.patrol_points:
        assert 4 < z < 20
        for box in city.boxes:
            inside = box.bottom - 1.5 < z < box.top + 1.5 and distance_to(box, x, y) < 1.5
            assert not inside


def test_surfaces_are_convex_and_counter_clockwise(city):
    for surface in city.surfaces:
        outline = np.array(surface.outline)
        sides = np.roll(outline, -1, axis=0) - outline
        turns = sides[:, 0] * np.roll(sides, -1, axis=0)[:, 1] - sides[:, 1] * np.roll(sides, -1, axis=0)[:, 0]
        assert turns.min() > -1e-6


def test_a_block_is_a_kerb_higher_than_the_road():
    place = bare()
    assert place.ground_height(5.0, 5.0) == KERB
    assert place.ground_height(-1.0, 5.0) == 0
    assert np.array_equal(place.ground_height(np.array([5.0, 11.0]), np.array([5.0, 5.0])), [KERB, 0])


@given(
    st.floats(-8, 8), st.floats(-8, 8), st.floats(0.2, 6), st.floats(0.2, 6), st.floats(-4, 4), st.integers(0, 10**6)
)
@settings(max_examples=60, deadline=None)
def test_distance_to_a_turned_box(x, y, long, wide, yaw, seed):
    box = Box((x, y), (long, wide), 0, 1, yaw, "hedge")
    point = np.random.default_rng(seed).uniform(-12, 12, 2)
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    grid = np.stack(np.meshgrid(np.linspace(-0.5, 0.5, 81) * long, np.linspace(-0.5, 0.5, 81) * wide), axis=-1)
    nearest = np.hypot(*((grid @ turn.T + (x, y)) - point).reshape(-1, 2).T).min()
    assert distance_to(box, *point) == pytest.approx(nearest, abs=0.08)


def test_walking_under_crowns_but_not_through_walls_or_over_the_edge():
    place = bare(Box((0, 0), (2, 2), 2.5, 6, 0, "crown"), Box((5, 0), (2, 2), 0, 6, 0, "building"))
    assert place.is_walkable(0.0, 0.0)
    assert not place.is_walkable(5.0, 0.0)
    assert place.is_walkable(6.3, 0.0)
    assert not place.is_walkable(6.3, 0.0, radius=0.5)
    assert not place.is_walkable(20.1, 0.0)
    assert not place.is_walkable(19.9, 0.0, radius=0.5)


def test_the_sun_is_up(city):
    direction = city.light.direction
    assert np.linalg.norm(direction) == pytest.approx(1)
    assert direction[2] > 0.4
    low = dataclasses.replace(city.light, azimuth=np.pi / 2, elevation=0.0)
    assert low.direction == pytest.approx([0, 1, 0], abs=1e-9)
