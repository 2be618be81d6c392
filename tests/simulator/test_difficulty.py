"""What each difficulty level does to people, city, pictures and frames, compared with the plain city."""

import dataclasses
import itertools

import numpy as np
import pytest

from simulator.difficulty.levels import LEVELS
from simulator.difficulty.link import Link, LinkFaults
from simulator.episode import Episode
from simulator.rendering.appearance import TARGET, appearance_of, look_alike_of
from simulator.rendering.depth_faults import with_faults
from simulator.types import Observation
from simulator.world.crowd import Crowd
from simulator.world.evasion import RUN_SPEEDS, WALKING_SPEED, Evasion

pytestmark = pytest.mark.slow


def fly(name: str, seed: int, seconds: float) -> list[Observation]:
    """Follow the true position of the target, without images."""
    level, seen = LEVELS[name], []
    episode = Episode(level.city(seed), people=level.people, rules=level.rules(seed))
    while episode.time < seconds:
        seen.append(episode.observe())
        episode.target_detected(seen[-1].target_centre)
        episode.step(0.2)
    return seen


def hidden_runs(flight: list[Observation]) -> list[float]:
    """Return for how long the target was hidden each time, seconds."""
    return [0.2 * len(list(run)) for visible, run in itertools.groupby(o.target_visible for o in flight) if not visible]


def test_a_level_is_the_same_for_the_same_seed():
    one, again, other = (fly("all", seed, 3) for seed in (3, 3, 4))
    assert one == again
    assert one[-1] != other[-1]
    cities = [LEVELS["all"].city(3) for _ in range(2)]
    assert cities[0].boxes == cities[1].boxes
    assert cities[0].light == cities[1].light


def test_how_many_people_there_are():
    counts = {name: len(fly(name, 0, 0.2)[0].people) - 1 for name in ("plain", "crowd", "all")}
    assert counts == {"plain": 60, "crowd": 120, "all": 120}


def test_a_quarter_or_half_of_the_people_look_like_the_target_but_none_is_its_double():
    for seed, share in ((4, 0.25), (5, 0.5)):
        people = fly("look-alikes", seed, 0.2)[0].people
        assert np.mean([person.look_alike for person in people[1:]]) == share
        assert not people[0].look_alike

    def is_reddish(color) -> bool:
        red, green, blue = color
        return red > 0.2 and red > 1.4 * max(green, blue)

    hair, top, legs = 4, 1, 6
    shared = {hair: 0, top: 0, legs: 0}
    for seed in range(200):
        colors = look_alike_of(seed).colors
        same = [part for part in shared if colors[part] == TARGET.colors[part]]
        assert len(same) < 3
        for part in same:
            shared[part] += 1
    assert min(shared.values()) > 40
    reddish = {
        make: np.mean([any(is_reddish(make(seed).colors[part]) for part in (hair, top)) for seed in range(200)])
        for make in (look_alike_of, appearance_of)
    }
    assert reddish[look_alike_of] > 0.9
    assert reddish[appearance_of] < 0.5


def test_hideouts_leave_the_paths_of_the_target_free():
    city = LEVELS["occlusion"].city(7)
    assert len(city.boxes) > len(LEVELS["plain"].city(7).boxes) + 30
    assert len(city.patrol_points) >= 4
    for path in city.target_paths:
        for start, end in itertools.pairwise(path):
            assert np.all(city.is_walkable(*np.linspace(start, end, 60).T, radius=0.6))


def test_hideouts_hide_the_target_for_some_seconds_at_a_time():
    runs, plain = (hidden_runs(fly(name, 2, 70)[75:]) for name in ("occlusion", "plain"))
    assert sum(runs) > 4
    assert sum(run > 1.5 for run in runs) >= 2
    assert max(runs) < 10
    assert sum(plain) < 0.2 * sum(runs)


def test_an_evasive_target_runs_turns_and_mixes_with_others():
    speeds, turns, near = {}, {}, {}
    for name in ("plain", "evader"):
        level = LEVELS[name]
        crowd = Crowd(level.city(2), level.people, level.rules(2))
        target, speed, close, identities = [], [], [], set()
        for _ in range(900):
            crowd.step(0.1)
            identities.add(int(crowd.ids[0]))
            target.append(float(crowd.headings[0]))
            speed.append(float(crowd.speeds[0]))
            close.append(int((np.hypot(*(crowd.positions[1:] - crowd.positions[0]).T) < 3).sum()))
        assert len(identities) == 1  # it goes on as the same person
        change = np.abs(np.angle(np.exp(1j * (np.array(target[15:]) - target[:-15]))))  # within 1.5 s
        speeds[name], turns[name], near[name] = max(speed), int((change > 1.6).sum()), int((np.array(close) >= 3).sum())
    assert speeds["evader"] > 2.4 > 1.7 > speeds["plain"]
    assert turns["evader"] > 3 * turns["plain"] + 20
    assert near["evader"] > 50 > near["plain"]


def test_after_a_group_all_walk_at_their_own_speeds_again():
    level = LEVELS["evader"]
    crowd = Crowd(level.city(2), level.people, level.rules(2))
    groups, since, own, after = 0, 0.0, {}, {}
    for _ in range(1800):
        mingled = crowd._evasion.mingling > 0
        crowd.step(0.1)
        mingles = crowd._evasion.mingling > 0
        groups, since = groups + (mingles and not mingled), 0.0 if mingles else since + 0.1
        fastest = after if groups else own
        if since > 2:  # for those who slow down
            for id, speed in zip(crowd.ids[1:].tolist(), crowd.speeds[1:].tolist(), strict=True):
                fastest[id] = max(speed, fastest.get(id, 0.0))
    assert groups >= 3
    both = own.keys() & after.keys()
    assert len(both) > 20
    assert [after[id] for id in both] == pytest.approx([own[id] for id in both], abs=0.1)


def test_after_a_group_the_target_goes_on_as_it_had_planned():
    evasion, speeds = Evasion(2), []
    for _ in range(6000):
        evasion.step(0.1)
        if not evasion.mingling:
            speeds.append(evasion.speed)
    assert {speed for speed in speeds if speed < RUN_SPEEDS[0]} == {WALKING_SPEED}


class Clock:
    """Simulation that is nothing but its time."""

    def __init__(self):
        self.time = 0.0

    def step(self, seconds: float) -> None:
        self.time += seconds


def carried(link: Link, seconds: float) -> list[tuple[int, float, float]]:
    """Number, time of sending and time of arrival of each frame that arrives, at 5 Hz."""
    clock, sent, arrived = Clock(), [], []
    for _ in range(round(seconds * 5)):
        sent.append(clock.time)
        link.send(len(sent) - 1, clock.time)
        arrived += [(number, sent[number], clock.time) for number in link.carry(clock, 0.2)]
    return arrived


def test_the_link_is_late_loses_frames_and_stalls():
    arrived = carried(LEVELS["link"].link(1), 400)
    assert arrived == carried(LEVELS["link"].link(1), 400)
    numbers, sent, at = map(np.array, zip(*arrived, strict=True))
    assert np.all(np.diff(numbers) > 0)  # in order
    delays = at - sent
    assert 0.07 < delays.min() < 0.15
    assert 0.25 < delays.max() < 0.33
    gaps = np.diff(sent)
    assert 5 < (gaps > 1.9).sum() < 30  # stalls
    assert gaps.max() < 3.5
    assert 0.06 < np.mean(gaps[gaps < 1.9] > 0.3) < 0.16
    assert carried(LEVELS["link"].link(2), 400) != arrived


def test_a_late_frame_arrives_while_the_simulation_goes_on():
    arrived = carried(Link(LinkFaults(latency=(0.3, 0.3))), 2.0)
    assert [number for number, *_ in arrived] == list(range(9))
    assert all(at - sent == pytest.approx(0.3, abs=0.026) for _, sent, at in arrived)


def test_a_depth_camera_has_noise_and_holes():
    depth = np.tile(np.linspace(5, 254, 256).astype(np.uint8), (256, 1))
    depth[:, 200:] = 255  # the sky
    depth[100:140, 40:80] = 8  # a person
    measured = with_faults(depth, np.random.default_rng(0))
    holes = measured == 0
    assert 0.02 < holes[:, :190].mean() < 0.2
    edge = np.zeros_like(holes)
    edge[100:140, 79:81] = True
    assert holes[edge].mean() > 0.3
    error = np.abs(measured.astype(float) - depth)[~holes & (depth < 255)]
    assert 0.3 < error.mean() < 3
    assert np.all(measured[~holes & (depth == 255)] == 255)


def test_only_the_rules_of_a_level_differ():
    plain = LEVELS["plain"].rules(3)
    assert {name: dataclasses.replace(plain) == level.rules(3) for name, level in LEVELS.items()} == {
        name: name in ("plain", "crowd", "light") for name in LEVELS
    }
