"""The following task as a benchmark: flights, agents, figures, and the Gymnasium environment "FollowMe-v0".

`import gym_follow` registers the environment if Gymnasium is installed; all else works without it.
"""

from importlib.util import find_spec

if find_spec("gymnasium"):
    from gymnasium import register

    register(
        id="FollowMe-v0",
        entry_point="gym_follow.environment:FollowMeEnv",
        max_episode_steps=600,  # two minutes
    )
