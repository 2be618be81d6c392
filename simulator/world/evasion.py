"""How an evasive target moves: when it runs, turns sharply, seeks others, and which way it prefers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from simulator.geometry import wrap_angle
from simulator.types import FloatArray

CORNER, CHANCE = 1.0, 1.5  # what a corner and chance are worth, as radians of a turn
WALKING_SPEED, STROLLING_SPEED, JOINING_SPEED = 1.45, 0.8, 2.0  # m/s, of the target, and of those who join it
RUN_SPEEDS = (2.6, 3.4)  # m/s
WALK_SECONDS, RUN_SECONDS = (4.0, 10.0), (2.5, 5.0)
TURN_INTERVAL = (6.0, 14.0)  # s between sharp turns
MINGLE_INTERVAL, MINGLE_SECONDS = (15.0, 30.0), (8.0, 14.0)
CONVERSATION = 1.6  # m between the target and those who have joined it
COMPANY, COMPANY_RANGE = 6, 22.0  # people who join the target, and metres from which they come


class Evasion:
    """Plans of an evasive target. Its random choices are its own, so that those of the crowd stay as they are."""

    def __init__(self, seed: int):
        self._random = np.random.default_rng([seed, 73])
        self.turns_now = False  # whether the target turns at this moment
        self.mingling = 0.0  # s for which others still walk with it
        self._pace, self._pace_ends = WALKING_SPEED, self._between(WALK_SECONDS)  # its speed without others, m/s; s
        self._turn_in, self._mingle_in = self._between(TURN_INTERVAL), self._between(MINGLE_INTERVAL)

    def step(self, dt: float) -> None:
        """Advance the plans by `dt` seconds."""
        self._pace_ends -= dt
        self._turn_in -= dt
        self._mingle_in -= dt
        self.mingling = max(0.0, self.mingling - dt)
        if self._pace_ends < 0:
            runs = self._pace != WALKING_SPEED
            self._pace = WALKING_SPEED if runs else self._between(RUN_SPEEDS)
            self._pace_ends = self._between(WALK_SECONDS if runs else RUN_SECONDS)
        self.turns_now = self._turn_in < 0
        if self.turns_now:
            self._turn_in = self._between(TURN_INTERVAL)
        if self._mingle_in < 0:
            self.mingling = self._between(MINGLE_SECONDS)
            self._mingle_in = self.mingling + self._between(MINGLE_INTERVAL)

    @property
    def speed(self) -> float:
        """Speed of the target, m/s: it strolls while others walk with it, so that they reach it."""
        return STROLLING_SPEED if self.mingling else self._pace

    def company(self, positions: FloatArray) -> NDArray[np.int64]:
        """Return the rows of those who walk with the target, the first of the `positions`, (n, 2)."""
        if not self.mingling:
            return np.zeros(0, int)
        distances = np.hypot(*(positions[1:] - positions[0]).T)
        nearest = 1 + np.argsort(distances, kind="stable")[:COMPANY]
        return nearest[distances[nearest - 1] < COMPANY_RANGE]

    def order(
        self,
        here: FloatArray,
        heading: float,
        entries: Sequence[tuple[FloatArray, int]],
        out_of_view: Sequence[bool],
    ) -> NDArray[np.int64]:
        """Return the order in which to try entries to paths, each a path and the index of a waypoint on it.

        The sharper the turn, the sooner, and sooner if what follows that waypoint is round a corner, `out_of_view`.
        """
        steps = np.array([path[index] - here for path, index in entries])
        turns = np.abs(wrap_angle(np.arctan2(steps[:, 1], steps[:, 0]) - heading))
        merits = turns + CORNER * np.array(out_of_view) + self._random.uniform(0, CHANCE, len(turns))
        return np.argsort(-merits, kind="stable")

    def _between(self, limits: tuple[float, float]) -> float:
        return float(self._random.uniform(*limits))
