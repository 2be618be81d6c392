"""Crowd and target in a block with four houses."""

import numpy as np
import pytest

from simulator.rules import QUADSIM, Rules
from simulator.types import Box
from simulator.world.city import City, Light
from simulator.world.crowd import STRIDE, Crowd, WalkMap

pytestmark = pytest.mark.slow

EXTENT = (-40.0, -40.0, 40.0, 40.0)
HOUSES = [(x, y) for x in (-20.0, 20.0) for y in (-20.0, 20.0)]  # 20 m wide
LOOP = np.array([[-35.0, 0.0], [0.0, 0.0], [0.0, 35.0], [35.0, 35.0]])
BACK = LOOP[::-1]
DT = 0.05


def is_walkable(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return ~np.any([(abs(x - hx) < 10) & (abs(y - hy) < 10) for hx, hy in HOUSES], axis=0)


def city(*paths: np.ndarray, seed: int = 0) -> City:
    boxes = tuple(Box(house, (20.0, 20.0), 0.0, 8.0, 0.0, "building") for house in HOUSES)
    return City(seed, EXTENT, boxes, ((500.0, 0.0, 501.0, 1.0),), (), paths, (), Light(0.0, 1.0, 0.6, 0.5, 0.0))


def crowd(size: int = 60, turnover: str = "never", respawn: bool = False, seed: int = 0) -> Crowd:
    return Crowd(city(LOOP, BACK, seed=seed), size, Rules(turnover=turnover, respawn=respawn))


def test_the_map_has_the_distance_to_walls():
    distance, away = WalkMap(city()).look_up(np.array([[0.0, 20.0], [8.0, 20.0], [20.0, 20.0]]))
    assert distance == pytest.approx([10.0, 2.0, -10.0], abs=0.6)
    assert away[1] == pytest.approx([-1.0, 0.0], abs=0.05)


def test_nobody_walks_into_a_wall_or_out_of_the_world_or_faster_than_a_walk():
    people = crowd()
    for _ in range(800):
        people.step(0.1)
        x, y = people.positions.T
        assert is_walkable(x, y).all()
        assert (abs(people.positions) < 40).all()
        assert people.speeds.max() < 1.61


def test_people_keep_moving_and_cover_ground():
    people = crowd()
    before, covered = people.positions.copy(), np.zeros(61)
    for _ in range(1200):
        people.step(DT)
        covered += people.speeds * DT
    assert np.median(covered) > 0.75 * 60 * 1.2
    assert np.median(np.linalg.norm(people.positions - before, axis=1)) > 8


def test_people_keep_their_distance():
    people, close = crowd(), 0
    for _ in range(1200):
        people.step(DT)
        apart = np.linalg.norm(people.positions[:, None] - people.positions[None], axis=2) + 9 * np.eye(61)
        close += (apart.min(axis=1) < 0.4).sum()
    assert close / (1200 * 61) < 0.002


def test_two_who_meet_head_on_get_past():
    people = Crowd(city(np.array([[-10.0, 0.0], [30.0, 0.0]])), 1, Rules(turnover="never"))
    people.positions[1], people._goal_headings[1] = (0.0, 0.0), np.pi
    nearest = np.inf
    for _ in range(400):
        people._goal_headings[1] = np.pi
        people.step(DT)
        nearest = min(nearest, np.linalg.norm(people.positions[0] - people.positions[1]))
    assert people.positions[0, 0] > 10
    assert people.positions[1, 0] < -10
    assert nearest > 0.4


def test_the_target_passes_every_waypoint_in_turn_then_a_new_target_appears():
    people = crowd(respawn=True)
    target, path, passed = people.ids[0], [LOOP, BACK][int(np.allclose(people.positions[0], BACK[0]))], []
    for _ in range(round(400 / DT)):
        people.step(DT)
        if people.ids[0] != target:
            break
        near = [i for i, point in enumerate(path) if np.linalg.norm(people.positions[0] - point) < 1.1]
        passed += [i for i in near if i not in passed]
        assert people.speeds[0] < 1.61
    assert passed == [0, 1, 2, 3]
    assert people.ids[0] > 60
    assert min(np.linalg.norm(people.positions[0] - path[0]) for path in (LOOP, BACK)) < 0.2


def test_without_respawn_the_target_walks_on_without_a_jump():
    people = crowd()
    target, before, covered = people.ids[0], people.positions[0].copy(), 0.0
    for _ in range(6000):
        people.step(0.1)
        step = np.linalg.norm(people.positions[0] - before)
        assert step < 0.3
        covered, before = covered + step, people.positions[0].copy()
    assert people.ids[0] == target
    assert covered > 600


@pytest.mark.parametrize(("turnover", "low", "high"), [("short", 5, 7), ("medium", 45, 55), ("long", 130, 150)])
def test_people_are_replaced_at_the_end_of_their_lifetime(turnover, low, high):
    people, born, ages = crowd(turnover=turnover), {}, []
    for tick in range(round(2.2 * high / 0.1)):
        for id in people.ids[1:]:
            born.setdefault(int(id), tick)
        people.step(0.1)
        ages += [(tick + 1 - born[id]) * 0.1 for id in set(born) - set(people.ids.tolist())]
        born = {id: start for id, start in born.items() if id in people.ids}
    assert len(people.ids) == 61
    assert max(ages) < high + 0.2
    assert np.percentile(ages, 75) > low - 0.2  # the first generation goes earlier, so that not all go at once


def test_legs_move_with_the_ground():
    people = crowd(size=5)
    covered, turned, gaits = np.zeros(6), np.zeros(6), people.gaits.copy()
    for _ in range(200):
        people.step(DT)
        covered += people.speeds * DT
        turned += (people.gaits - gaits) % (2 * np.pi)
        gaits = people.gaits.copy()
    assert turned == pytest.approx(covered * 2 * np.pi / STRIDE, rel=1e-6)


def test_the_same_seed_gives_the_same_walk_and_another_another():
    runs = []
    for seed in (7, 7, 8):
        people = crowd(seed=seed, turnover="short")
        for _ in range(200):
            people.step(DT)
        runs.append(people.people())
    assert runs[0] == runs[1] != runs[2]
    assert [person.is_target for person in runs[0]] == [True] + [False] * 60


def test_without_a_crowd_the_target_is_alone():
    people = crowd(size=0)
    people.step(DT)
    assert len(people.people()) == 1


def test_quadsims_crowd_appears_at_eight_points_of_the_targets_way_and_walks_through_each_other():
    people = Crowd(city(LOOP, LOOP[:2], seed=3), 59, QUADSIM)
    places = {tuple(place.round(3)) for place in people.positions[1:]}
    assert len(places) <= 8
    for x, y in places:  # on one of the three legs of the longer path
        assert (x <= 0 and y == 0) or (x == 0 and 0 <= y <= 35) or (y == 35 and x >= 0)
    close = 0
    for _ in range(600):
        people.step(DT)
        apart = np.linalg.norm(people.positions[:, None] - people.positions[None], axis=2) + 9 * np.eye(60)
        close += (apart.min(axis=1) < 0.4).sum()
        assert people.speeds[1:].max() < 1.59
        assert people.speeds[0] < 1.49
    assert close / (600 * 60) > 0.02


def test_quadsims_targets_walk_one_path_from_its_start():
    people, ids, starts = Crowd(city(LOOP, LOOP[:2], seed=3), 0, QUADSIM), [0], []
    for _ in range(round(3 * 105 / 1.4 / DT)):
        before = people.ids[0]
        people.step(DT)
        if people.ids[0] != before:
            ids.append(int(people.ids[0]))
            starts.append(people.positions[0].copy())
    assert len(ids) >= 3
    assert np.array(starts) == pytest.approx(np.repeat(LOOP[:1], len(starts), axis=0), abs=0.2)
