"""The link that carries frames from the quad to the agent: perfect, or late, with jitter, losses and stalls."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

STEP = 0.05  # s, to which arrivals are rounded: the tick of an episode

Frame = TypeVar("Frame")


class Simulation(Protocol):
    """What advances while frames are on their way."""

    @property
    def time(self) -> float:
        """Simulated seconds since the start."""

    def step(self, seconds: float) -> None:
        """Advance the simulated time."""


@dataclass(frozen=True)
class LinkFaults:
    """What a link does to frames. Times in simulated seconds."""

    latency: tuple[float, float] = (0.0, 0.0)  # least, greatest, from the picture to the agent
    loss: float = 0.0  # fraction of the frames
    stall: float = 0.0  # length of a stall: what is sent then is lost
    stall_interval: float = np.inf  # mean time between two stalls


PERFECT = LinkFaults()
UNRELIABLE = LinkFaults(latency=(0.1, 0.3), loss=0.1, stall=2.0, stall_interval=25.0)


class Link(Generic[Frame]):
    """Carries frames of any type, in their order. The same seed and times give the same faults."""

    def __init__(self, faults: LinkFaults = PERFECT, seed: int = 0):
        self._faults = faults
        self._random = np.random.default_rng([seed, 41])
        self._on_the_way: deque[tuple[float, Frame]] = deque()  # with the time of arrival
        self._stall_begins = self._time_to_stall()

    def send(self, frame: Frame, now: float) -> None:
        """Send a frame at the simulated time `now`, seconds."""
        faults = self._faults
        while now >= self._stall_begins + faults.stall:
            self._stall_begins += faults.stall + self._time_to_stall()
        lost = self._random.random() < faults.loss or now >= self._stall_begins
        arrival = now + self._random.uniform(*faults.latency)
        if not lost:
            last = self._on_the_way[-1][0] if self._on_the_way else now
            self._on_the_way.append((max(arrival, last), frame))  # none overtakes another

    def carry(self, simulation: Simulation, seconds: float) -> Iterator[Frame]:
        """Advance the simulation by some seconds; yield each frame at the moment when it arrives.

        A perfect link yields a frame before the simulation advances.
        """
        steps = max(1, round(seconds / STEP))
        for _ in range(steps):
            yield from self.arrivals(simulation.time)
            simulation.step(seconds / steps)

    def arrivals(self, now: float) -> Iterator[Frame]:
        """Yield the frames that have arrived by the simulated time `now`, seconds."""
        while self._on_the_way and self._on_the_way[0][0] <= now + STEP / 2:
            yield self._on_the_way.popleft()[1]

    def _time_to_stall(self) -> float:
        interval = self._faults.stall_interval
        return float(self._random.exponential(interval)) if np.isfinite(interval) else np.inf
