"""Episodes: reproducible from their seed; the quad follows the reports and nothing else."""

import dataclasses
import math

import numpy as np
import pytest

from simulator.drone.behaviours import Patrol
from simulator.drone.quad import Quad
from simulator.episode import Episode
from simulator.geometry import to_camera
from simulator.rules import QUADSIM, Rules
from simulator.types import Box, Marker, Observation, QuadState
from simulator.world.city_generator import generate_city

pytestmark = pytest.mark.simulator

CENTRE_NOISE = 0.3  # m
SHORT_LIVES = Rules(turnover="short")


@pytest.fixture(scope="module")
def city():
    return generate_city(5)


def fly(episode: Episode, seconds: float, noise: float = CENTRE_NOISE, report=True) -> list[Observation]:
    """Report the true position of the target, with noise, at every frame of 5 Hz."""
    random, seen = np.random.default_rng(2), []
    for _ in range(round(seconds * 5)):
        observation = episode.observe()
        seen.append(observation)
        if report:
            episode.target_detected(tuple(np.add(observation.target_centre, random.normal(0, noise, 3))))
        episode.step(0.2)
    return seen


def same(one: Observation, other: Observation) -> bool:
    if one.rendered is not None:
        for view in ("rgb", "depth", "mask"):
            if not np.array_equal(getattr(one.rendered, view), getattr(other.rendered, view)):
                return False
    return dataclasses.replace(one, rendered=None) == dataclasses.replace(other, rendered=None)


def test_the_same_seed_and_commands_give_the_same_states_and_frames(renderer):
    one, other = (fly(Episode(generate_city(5), renderer=renderer, rules=SHORT_LIVES), 20) for _ in range(2))
    assert all(same(a, b) for a, b in zip(one, other, strict=True))
    different = fly(Episode(generate_city(6), renderer=renderer, rules=SHORT_LIVES), 1)
    assert not same(one[0], different[0])


def test_observing_changes_nothing(city):
    often, seldom = Episode(city), Episode(city)
    for _ in range(40):
        often.step(0.05)
        often.observe()
    seldom.step(2.0)
    assert same(often.observe(), seldom.observe())


def test_time_that_does_not_fill_a_tick_is_kept(city):
    episode = Episode(city)
    for _ in range(30):
        episode.step(1 / 30)
    assert episode.time == pytest.approx(1.0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_with_true_reports_the_quad_keeps_near_the_target_and_in_view(seed):
    observations = fly(Episode(generate_city(seed)), 150)
    assert observations[1].state is QuadState.FOLLOW
    after = observations[75:]  # the quad may have come from the other end of the city
    same_target = [now for now in after if now.target.id == after[0].target.id]
    distances = np.array([now.target_distance for now in same_target])
    assert ((distances > 1) & (distances < 8)).mean() >= 0.95
    assert np.mean([now.target_visible for now in same_target]) >= 0.95
    assert max(now.collisions for now in same_target) <= 1


def test_the_quad_flies_to_the_reported_position_and_not_to_the_target(city):
    episode = Episode(city)
    x, y, z = city.patrol_points[0]
    for _ in range(300):
        episode.target_detected((x, y, z))
        episode.step(0.2)
    observation = episode.observe()
    assert observation.reported == (x, y, z)
    assert math.dist((observation.pose.x, observation.pose.y), (x, y)) < 3.5


def test_lost_goes_back_to_patrol(city):
    episode = Episode(city)
    fly(episode, 5)
    episode.target_lost()
    observation = episode.observe()
    assert observation.state is QuadState.PATROL
    assert observation.reported is None
    fly(episode, 30, report=False)
    assert episode.state is QuadState.PATROL


def test_without_further_reports_it_returns_to_patrol(city):
    episode = Episode(city)
    fly(episode, 5)
    episode.step(9.0)
    assert episode.state is QuadState.FOLLOW
    episode.step(2.0)
    assert episode.state is QuadState.PATROL


def test_a_search_looks_at_the_places_it_is_told_and_ends_without_further_ones(city):
    episode = Episode(city, people=0)
    fly(episode, 5)
    x, y, _ = city.patrol_points[0]
    for place in [(x + 3.0, y, 1.0), (x - 3.0, y + 4.0, 1.0)]:
        for _ in range(150):
            episode.target_lost(place)
            episode.step(0.2)
        observation = episode.observe()
        assert observation.state is QuadState.SEARCH
        assert observation.reported is None
        forward, left, up = to_camera(observation.gimbal_pose, np.array([place]))[0]
        assert abs(math.atan2(left, forward)) < math.radians(3)
        assert abs(math.atan2(up, forward)) < math.radians(3)
        assert forward < 12
    episode.step(9.0)
    assert episode.state is QuadState.SEARCH
    episode.step(2.0)
    assert episode.state is QuadState.PATROL


def test_a_search_ends_with_a_report_or_with_a_loss_without_a_place(city):
    episode = Episode(city, people=0)
    for end, state in [
        (lambda: episode.target_detected(episode.target_centre), QuadState.FOLLOW),
        (episode.target_lost, QuadState.PATROL),
    ]:
        episode.target_lost((0.0, 0.0, 1.0))
        assert episode.state is QuadState.SEARCH
        end()
        assert episode.state is state


@pytest.mark.parametrize(("follows", "stands"), [(False, False), (True, True)])
def test_a_patrol_that_was_left_to_look_at_something_goes_on_and_one_after_a_target_looks_all_around(
    city, follows, stands
):
    episode = Episode(city, people=0)
    fly(episode, 40, report=False)  # it has looked all around, for ten seconds
    if follows:
        episode.target_detected(episode.target_centre)
    for _ in range(10):
        episode.target_lost((0.0, 0.0, 1.0))
        episode.step(0.2)
    episode.target_lost()
    episode.step(2.0)
    place = episode.quad.position
    episode.step(5.0)
    assert episode.state is QuadState.PATROL
    assert (np.linalg.norm(episode.quad.position - place) < 0.5) == stands


def test_like_quadsim_it_returns_to_patrol_wherever_it_is_told_to_look(city):
    episode = Episode(city, people=0, rules=Rules(lock_on=True))
    episode.target_lost((0.0, 0.0, 1.0))
    assert episode.state is QuadState.PATROL


def test_lock_on_follows_the_true_target_whatever_is_reported_once_it_is_in_front(city):
    episode = Episode(city, rules=Rules(lock_on=True))
    for _ in range(300 * 5):
        episode.target_detected((0.0, 0.0, 500.0))
        assert (episode.state is QuadState.FOLLOW) == episode.target_in_front()
        if episode.state is QuadState.FOLLOW:
            break
        episode.step(0.2)
    assert episode.state is QuadState.FOLLOW, "the patrol never had the target in front"
    episode.step(20.0)  # no further report, and it still follows
    assert episode.observe().target_distance < 8
    episode.target_lost()
    assert episode.state is QuadState.PATROL


def test_quadsim_locks_on_within_60_degrees_of_the_axis_at_any_distance_in_line_of_sight(city):
    wall = Box((0.0, 0.0), (1.0, 6.0), 0.0, 8.0, 0.0, "building")
    block = dataclasses.replace(city, boxes=(wall,), target_paths=(np.array([[5.0, 0.0], [6.0, 0.0]]),))
    episode = Episode(block, people=0, rules=Rules(lock_on=True))
    x, _, z = episode.observe().target_centre
    quad = episode.quad
    for position, yaw, locks in [
        ((-10.0, 0.0, z), 0.0, False),  # the wall between
        ((x + 160.0, 0.0, z + 0.1), 180.0, True),
        ((x + 10.0, 0.0, z + 0.1), 180.0 - 58.0, True),
        ((x + 10.0, 0.0, z + 0.1), 180.0 - 62.0, False),
    ]:
        quad.position, quad.gimbal_yaw, quad.gimbal_pitch = np.array(position), math.radians(yaw), 0.0
        episode.target_lost()
        episode.target_detected((0.0, 0.0, 0.0))
        assert (episode.state is QuadState.FOLLOW) == locks


def test_quadsims_patrol_flies_at_three_metres(city):
    episode = Episode(city, people=0, rules=QUADSIM)
    heights = []
    for _ in range(200):
        episode.step(0.5)
        heights.append(episode.quad.position[2])
    assert np.quantile(heights, [0.1, 0.5]) == pytest.approx(3.0, abs=0.1)  # it climbs over hedges and cars


def test_the_target_is_in_view_when_ahead_and_not_behind_a_wall_or_the_camera(city):
    wall = Box((0.0, 0.0), (1.0, 6.0), 0.0, 8.0, 0.0, "building")
    block = dataclasses.replace(city, boxes=(wall,), target_paths=(np.array([[5.0, 0.0], [6.0, 0.0]]),))
    episode = Episode(block, people=0)
    ground = float(city.ground_height(5.0, 0.0))
    quad = episode.quad
    for position, yaw, pitch, seen in [
        ((-10.0, 0.0, 3.0), 0.0, 5.0, False),  # the wall between
        ((4.0 + 10.0, 0.0, 3.0), 180.0, 12.0, True),
        ((4.0 + 10.0, 0.0, 3.0), 0.0, 12.0, False),  # looks away
        ((4.0 + 10.0, 0.0, 3.0), 180.0, -25.0, False),  # looks up
        ((-10.0, 0.0, 40.0), 0.0, 69.0, True),  # over the wall
    ]:
        quad.position = np.add(position, (0, 0, ground))
        quad.gimbal_yaw, quad.gimbal_pitch = math.radians(yaw), math.radians(pitch)
        assert episode.target_in_view() is seen


def test_markers_are_shown_moved_deleted_and_expire(city, renderer):
    episode = Episode(city, renderer=renderer)
    marker = Marker(7, 1.0, 2.0, 1.0, 0.0, (0.7, 0.7, 2.0), (0, 0, 1, 0.1))
    episode.place_marker(marker, -1)
    episode.place_marker(dataclasses.replace(marker, x=3.0), -1)
    episode.place_marker(dataclasses.replace(marker, id=8), 0.4)
    assert [(shown.id, shown.x) for shown in episode.observe().markers] == [(7, 3.0), (8, 1.0)]
    episode.step(0.5)
    assert [shown.id for shown in episode.observe().markers] == [7]
    episode.delete_marker(7)
    episode.delete_marker(99)
    assert episode.observe().markers == ()


def test_the_drones_camera_does_not_see_markers(city, renderer):
    plain, marked = Episode(city, renderer=renderer), Episode(city, renderer=renderer)
    marked.place_marker(Marker(1, *marked.observe().target_centre, 0.0, (50.0, 50.0, 50.0), (0, 0, 1, 1)), -1)
    assert marked.observe().markers
    for image in ("rgb", "depth", "mask"):
        assert np.array_equal(getattr(plain.observe().rendered, image), getattr(marked.observe().rendered, image))


def test_an_agent_that_never_deletes_markers_does_not_slow_down_the_simulation(city):
    episode = Episode(city)
    for number in range(1000):
        episode.place_marker(Marker(number, 0, 0, 1, 0, (1, 1, 2), (1, 1, 1, 1)), -1)
    shown = episode.observe().markers
    assert len(shown) <= 64
    assert shown[-1].id == 999


def test_the_nearest_person_to_a_point(city):
    observation = Episode(city).observe()
    for person in observation.people[:5]:
        assert observation.nearest_person((person.x + 0.05, person.y, 1.0)) is person


def test_hero_pixels_count_the_mask(city, renderer):
    episode = Episode(city, renderer=renderer)
    seen = [now for now in fly(episode, 40) if now.target_visible]
    assert seen
    assert all(now.target_pixels == (now.rendered.mask[..., 2] == 255).sum() > 0 for now in seen)


@pytest.mark.parametrize("coords", [(1e30, 0.0, 0.0), (0.0, 0.0, -1e9), (-1e12, 1e12, 1e12)])
def test_absurd_reports_leave_finite_states(city, coords):
    episode = Episode(city)
    for _ in range(50):
        episode.target_detected(coords)
        episode.step(0.2)
    pose = episode.observe().pose
    assert all(math.isfinite(value) for value in dataclasses.astuple(pose))
    x_min, y_min, x_max, y_max = city.extent
    assert x_min - 50 < pose.x < x_max + 50
    assert y_min - 50 < pose.y < y_max + 50


def test_a_patrol_that_was_left_while_it_waited_at_a_point_does_not_wait_elsewhere(city):
    patrol = Patrol(city.patrol_points, Rules())
    quad = Quad(np.array(city.patrol_points[0], dtype=float))
    for step in range(130):  # it looks all around, and has waited for some seconds then
        patrol.step(quad, city.obstacles, 0.0, step * 0.1, 0.1)
    quad.position = np.add(city.patrol_points[0], (0.0, 0.0, 30.0))
    for step in range(10):
        patrol.step(quad, city.obstacles, 0.0, 13.0 + step * 0.1, 0.1)
    assert quad.speed > 2
