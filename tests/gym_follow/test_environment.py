"""The Gymnasium environment: Gymnasium's own check, determinism, reward, and the end of an episode."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import ANY

import numpy as np
import pytest

gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

import gym_follow  # noqa: E402, F401 - registers the environment
from gym_follow import environment as module  # noqa: E402
from gym_follow.agents.scripted import ScriptedAgent  # noqa: E402
from gym_follow.metrics.active_tracking import TrackingEpisode, reward, tracking_episode  # noqa: E402
from gym_follow.report import DETECTED, NOTHING, detected, lost, nothing  # noqa: E402
from tests.gym_follow.moments import flight, moment  # noqa: E402

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def environment():
    with gymnasium.make("FollowMe-v0", seed=3, people=0, render_mode="rgb_array") as made:
        yield made


# Positions are metres in the world, as the simulator takes them.
@pytest.mark.filterwarnings("ignore:.*we recommend using a symmetric and normalized space:UserWarning")
def test_gymnasium_finds_no_fault():
    """On a link that delays frames and loses some, an observation may come twice."""
    made = gymnasium.make("FollowMe-v0", seed=3, difficulty="link", people=0, render_mode="rgb_array")
    check_env(made.unwrapped)


def test_a_perfect_agent_is_rewarded(environment):
    agent = ScriptedAgent()
    observation, info = environment.reset()
    rewards = []
    for _ in range(60):
        observation, value, terminated, truncated, info = environment.step(agent.act(observation, info))
        assert not terminated
        assert not truncated
        rewards.append(value)
    assert np.mean(rewards[-20:]) > 0.7
    log = environment.unwrapped.log
    assert len(log) == 1 + 60
    assert all(moment.position_error == 0 for moment in log[:-1])
    assert rewards == [reward(moment) for moment in log[1:]]


def test_the_same_actions_give_the_same_observations(environment):
    def fly():
        frames = [environment.reset()[0]]
        for step in range(5):
            frames.append(environment.step(detected((float(step), 1.0, 1.0)) if step % 2 else nothing())[0])
        return frames

    for one, other in zip(fly(), fly(), strict=True):
        assert all(np.array_equal(one[key], other[key]) for key in one)


def test_an_episode_ends_five_seconds_after_the_target_is_gone(environment):
    _, info = environment.reset()
    for _ in range(40):
        _, _, terminated, _, info = environment.step(detected(info["target"]))
    assert not terminated
    steps = 0
    while not terminated:
        _, _, terminated, _, info = environment.step(detected(info["target"] + np.array([60.0, 0.0, 0.0])))
        steps += 1
        assert steps < 100
    assert steps >= 25


class GivenFlight:
    """A flight with given moments and nothing to see."""

    def __init__(self, moments):
        self._moments = iter(moments)
        self.moment = next(self._moments)

    def report(self, report, seen):
        pass

    def advance(self, answer):
        over, self.moment = self.moment, next(self._moments)
        return over

    def arrivals(self):
        return [SimpleNamespace(observation=lambda with_mask: {})]

    def info(self):
        return {}


def given_environment(monkeypatch, moments):
    monkeypatch.setattr(module, "World", lambda seed, difficulty: SimpleNamespace(seed=seed, close=lambda: None))
    monkeypatch.setattr(module, "FollowFlight", lambda world, conditions: GivenFlight(moments))
    environment = module.FollowMeEnv(seed=1)
    environment.reset()
    return environment


@pytest.mark.parametrize(
    ("seen", "ends_at"),
    [
        (0, None),  # behind a house, say, and then far away
        (1, 80 + 26),  # more than five seconds after the last moment nearby
    ],
)
def test_an_episode_does_not_end_before_the_target_has_been_in_a_picture(monkeypatch, seen, ends_at):
    hidden = (40, moment, {"target_pixels": 0})  # within 7 m and straight ahead, which is viewed whatever is between
    moments = flight(hidden, (seen, moment, {}), hidden, (60, moment, {"distance": 30.0}))
    environment = given_environment(monkeypatch, moments)
    ends = [number for number in range(1, len(moments)) if environment.step(nothing())[2]]
    assert next(iter(ends), None) == ends_at


def test_an_episode_that_failed_is_measured_as_a_failure(monkeypatch):
    environment = given_environment(monkeypatch, flight((10, moment, {}), (40, moment, {"distance": 30.0})))
    terminated = False
    while not terminated:
        terminated = environment.step(nothing())[2]
    environment.close()
    assert tracking_episode(environment.log) == TrackingEpisode(ANY, 10 + 26, False)


def test_a_lost_target_sends_the_quad_on_patrol(environment):
    _, info = environment.reset()
    environment.step(detected(info["target"]))
    environment.step(lost())
    environment.step(nothing())
    following = [moment.following for moment in environment.unwrapped.log]
    assert following == [True, False, False, False]


def test_rendering(environment):
    environment.reset()
    assert environment.render().shape == (256, 256, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"difficulty": "impossible"}, "expected a difficulty of plain, crowd.*got 'impossible'"),
        ({"difficulty": ["plain"]}, r"expected a difficulty of plain, crowd.*got \['plain'\]"),
        ({"seed": -1}, "expected a seed from 0 to .*, a whole number, or None, got -1"),
        ({"seed": 3.5}, "expected a seed from 0 to .*, a whole number, or None, got 3.5"),
        ({"people": -1}, "expected a whole number of people from 0 to 500, or None, got -1"),
        ({"people": 1.5}, "expected a whole number of people from 0 to 500, or None, got 1.5"),
        ({"people": 60.0}, "expected a whole number of people from 0 to 500, or None, got 60.0"),
        ({"people": 100_000}, "expected a whole number of people from 0 to 500, or None, got 100000"),
    ],
)
def test_bad_arguments_are_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        gymnasium.make("FollowMe-v0", **arguments)


def test_whole_numbers_of_numpy_are_whole_numbers():
    module.FollowMeEnv(seed=np.int64(3), people=np.uint8(60))


def test_a_bad_action_is_one_sentence_and_no_step(environment):
    environment.reset()
    with pytest.raises(ValueError, match="expected an action"):
        environment.unwrapped.step({"report": 1, "position": (np.nan, 0, 0)})
    assert len(environment.unwrapped.log) == 1


def program_of_the_guide(name):
    guide = (ROOT / "docs" / "guide" / "gymnasium.md").read_text(encoding="utf-8")
    (program,) = (each for each in re.findall(r"```python\n(.*?)```", guide, re.DOTALL) if name in each)
    return program


def test_the_guides_agent_leaves_out_pixels_without_a_measurement():
    program = {"__name__": "agent"}
    exec(program_of_the_guide("RedAgent"), program)
    rgb, depth = np.zeros((256, 256, 3), np.uint8), np.full((256, 256), 26, np.uint8)  # 10 m
    rgb[110:146, 120:136, 0] = 255
    depth[110:130] = 0
    view = {"rgb": rgb, "depth": depth, "gimbal_pose": np.zeros(6)}
    action = program["RedAgent"]().act(view, {})
    assert action["report"] == DETECTED
    assert action["position"][0] == pytest.approx(10, abs=0.5)
    assert program["RedAgent"]().act(view | {"depth": np.zeros_like(depth)}, {})["report"] == NOTHING


@pytest.mark.simulator
def test_several_at_once_in_processes():
    environments = gymnasium.make_vec(
        "FollowMe-v0", num_envs=2, vectorization_mode="async", vector_kwargs={"context": "spawn"}, people=0
    )
    observations, _ = environments.reset(seed=1)
    assert observations["rgb"].shape == (2, 256, 256, 3)
    assert not np.array_equal(*observations["rgb"])
    _, rewards, *_ = environments.step(environments.action_space.sample())
    assert rewards.shape == (2,)
    environments.close()


@pytest.mark.simulator
def test_the_guides_program_makes_several_at_once(tmp_path):
    path = tmp_path / "many.py"
    path.write_text(program_of_the_guide("make_vec"))
    path_of_project = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, path], env=path_of_project, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["(2, 256, 256, 3)"], done.stderr
