"""The haze of the built-in simulator is measured as dense as it was drawn, and none is seen in clear air."""

import math

import pytest

from follower.restoration.haze import Haze
from gym_follow.environment import FollowMeEnv
from gym_follow.report import nothing
from simulator.difficulty.levels import LEVELS
from simulator.geometry import FAR
from simulator.rendering.atmosphere import EXTINCTION
from simulator.world.lights import LIGHTS

SEEDS = range(40, 45)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS, ids=[LIGHTS[seed % len(LIGHTS)] for seed in SEEDS])
def test_the_density_of_the_haze_is_measured_on_patrol(seed):
    visibility = LEVELS["light"].city(seed).light.visibility
    true_density = EXTINCTION / visibility if math.isfinite(visibility) else 0.0
    environment, haze = FollowMeEnv("light", seed=seed), Haze()
    observation, _ = environment.reset()
    for _ in range(100):  # twenty seconds
        haze.observe(observation["rgb"], observation["depth"], 0.2)
        observation, *_ = environment.step(nothing())
    environment.close()
    assert haze.density * 255 / FAR == pytest.approx(true_density, rel=0.2, abs=1e-6)
