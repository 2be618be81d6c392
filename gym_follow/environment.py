"""The Gymnasium environment "FollowMe-v0": an agent tells a quad where the person is whom it shall follow.

The quad is QuadSim's: it patrols until a position is reported, flies to the reports by itself, and returns to patrol
when the target is reported lost. It can also be sent to look at places. A step is one picture, 0.2 s.
"""

from typing import Any, cast

import gymnasium
import numpy as np
from gymnasium import spaces

from dataset.schema import REFERENCE_SIZE
from gym_follow.flight import HZ, Conditions, FollowFlight, Seen, World
from gym_follow.log import Moment
from gym_follow.metrics.active_tracking import is_lost, is_viewed, reward
from gym_follow.report import DETECTED, LOST, NOTHING, SEARCH, Action, Report, to_report
from simulator.difficulty.levels import LEVELS
from simulator.flight import LOCKSTEP_EPOCH
from simulator.link.commands import MAX_PEOPLE, MAX_SEED

FARTHEST = 1000.0  # metres, of a position's coordinates: more than a city is across
FASTEST = 10.0  # m/s, of a velocity's components
LATEST = LOCKSTEP_EPOCH + 1e6  # seconds

Observation = dict[str, np.ndarray]


class FollowMeEnv(gymnasium.Env[Observation, Action]):
    """Follow one person through a crowd. `gym_follow.report.Agent` describes observations and actions.

    The reward is that of gym-unrealcv's tracking environments: 1 for a target straight ahead at the expected distance,
    at least -1. An episode is terminated when the target has been viewed in a picture, and then not viewed for five
    seconds; it is truncated after `max_episode_steps`, an argument of `gymnasium.make`. The info has the truth:
    "target", its centre (3,) metres, and "target_visible".

    Args:
        difficulty: a level of the simulator, see `python -m simulator --help`.
        seed: of the city, all people and the link, for all episodes; None: each `reset` draws one, from its own seed.
        people: besides the target; None: as many as the difficulty has.
        ground_truth_mask: add the picture's classes to observations, as "mask".
        render_mode: "rgb_array", the newest picture, or None.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": int(HZ)}  # noqa: RUF012 - Gymnasium's name and type

    def __init__(
        self,
        difficulty: str = "plain",
        seed: int | None = None,
        people: int | None = None,
        ground_truth_mask: bool = False,
        render_mode: str | None = None,
    ) -> None:
        if not isinstance(difficulty, str) or difficulty not in LEVELS:
            raise ValueError(f"expected a difficulty of {', '.join(LEVELS)}, got {difficulty!r}")
        if seed is not None and not _is_whole_number(seed, MAX_SEED):
            raise ValueError(f"expected a seed from 0 to {MAX_SEED}, a whole number, or None, got {seed!r}")
        if people is not None and not _is_whole_number(people, MAX_PEOPLE):
            raise ValueError(f"expected a whole number of people from 0 to {MAX_PEOPLE}, or None, got {people!r}")
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"expected render_mode None or 'rgb_array', got {render_mode!r}")
        self.render_mode = render_mode
        self._difficulty, self._conditions, self._seed = difficulty, Conditions(people), seed
        self._with_mask = ground_truth_mask
        self._world: World | None = None
        self._flight: FollowFlight | None = None
        self._seen: Seen | None = None  # the newest frame that has arrived
        self._last_viewed: float | None = None  # time
        self.log: list[Moment] = []  # of the episode, newest picture included, for `gym_follow.metrics`
        picture = (REFERENCE_SIZE, REFERENCE_SIZE)
        highest = np.array([FARTHEST] * 3 + [2 * np.pi] * 3)
        pose = spaces.Box(-highest, highest, dtype=np.float64)
        views: dict[str, spaces.Space[Any]] = {
            "rgb": spaces.Box(0, 255, (*picture, 3), np.uint8),
            "depth": spaces.Box(0, 255, picture, np.uint8),
            "pose": pose,
            "gimbal_pose": pose,
            "time": spaces.Box(0, LATEST, (1,), np.float64),
            "extent": spaces.Box(-FARTHEST, FARTHEST, (4,), np.float64),
        }
        if ground_truth_mask:
            views["mask"] = spaces.Box(0, 255, (*picture, 3), np.uint8)
        self.observation_space = cast(spaces.Space[Observation], spaces.Dict(views))
        self.action_space = spaces.Dict(
            {
                "report": spaces.Discrete(len((NOTHING, DETECTED, LOST, SEARCH))),
                "position": spaces.Box(-FARTHEST, FARTHEST, (3,), np.float64),
                "velocity": spaces.Box(-FASTEST, FASTEST, (3,), np.float64),
            }
        )

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start a flight, in the city of the environment's seed or of one that `seed` determines."""
        super().reset(seed=seed)
        city = int(self.np_random.integers(MAX_SEED)) if self._seed is None else self._seed
        if self._world is None or self._world.seed != city:
            self.close()
            self._world = World(city, self._difficulty)
        self._flight = FollowFlight(self._world, self._conditions)
        self.log, self._last_viewed, self._seen = [], None, None
        while not self._receive_all():  # on a link that delays frames, the quad patrols until the first one arrives
            self.log.append(self._flight.advance(self._receive))
        self.log.append(self._flight.moment)
        return self._observe()

    def step(self, action: Action) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Do what the action says and fly until the next picture. Raises ValueError for an action of another form.

        On a link that delays frames, the observation is the newest one that has arrived, maybe the same as before.
        """
        if self._flight is None or self._seen is None:
            raise gymnasium.error.ResetNeeded("expected reset() before step()")
        self._flight.report(to_report(action), self._seen)
        self.log[-1] = self._flight.advance(self._receive)  # with what has been reported
        self._receive_all()
        moment = self._flight.moment
        self.log.append(moment)  # it may end the episode
        # The clock starts with a picture of the target: it also counts as viewed below the picture or behind a wall.
        if is_viewed(moment) and (moment.target_visible or self._last_viewed is not None):
            self._last_viewed = moment.time
        terminated = self._last_viewed is not None and is_lost(moment, self._last_viewed)
        observation, info = self._observe()
        return observation, reward(moment), terminated, False, info

    def render(self) -> np.ndarray | None:
        """Return the newest picture, (256, 256, 3) uint8."""
        return self._flight.picture if self._flight is not None and self.render_mode is not None else None

    def close(self) -> None:
        """Free the renderer."""
        if self._world is not None:
            self._world.close()
        self._world = self._flight = None

    def _receive(self, seen: Seen) -> Report:
        self._seen = seen
        return Report()  # the action is applied at the next step

    def _receive_all(self) -> bool:
        """Take the frames that have arrived; return whether there has been one in this episode."""
        assert self._flight is not None
        for seen in self._flight.arrivals():
            self._receive(seen)
        return self._seen is not None

    def _observe(self) -> tuple[Observation, dict[str, Any]]:
        assert self._flight is not None
        assert self._seen is not None
        return dict(self._seen.observation(self._with_mask)), self._flight.info()


def _is_whole_number(value: Any, highest: int) -> bool:
    return isinstance(value, int | np.integer) and bool(0 <= value <= highest)
