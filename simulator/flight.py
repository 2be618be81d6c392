"""The loop of a flight: observe, send a frame, apply the commands, advance the simulation.

A follower can control the built-in simulator itself: its speed, and the start of a new episode.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from simulator.episode import TICK, Episode
from simulator.link import commands
from simulator.link.client import Client
from simulator.link.frames import event, sensor_frame
from simulator.slideshow import Slideshow
from simulator.types import Observation

log = logging.getLogger(__name__)

WATCHDOG = 3.0  # s without a ping or pong, after which a following quad returns to patrol
MAX_COMMANDS_PER_TICK = 100  # so that a flood of commands cannot stop the simulation
ANSWER_TIMEOUT = 10.0  # s, in lockstep
LOCKSTEP_EPOCH = 1_500_000_000.0  # s: in lockstep not even the timestamps depend on the clock


@dataclass(frozen=True)
class FlightPlan:
    """Settings of a flight."""

    hz: float = 5.0  # frames per simulated second
    speed: float = 1.0  # simulated seconds per second
    duration: float | None = None  # simulated seconds; None: until interrupted
    lockstep: bool = False  # wait for the answer to each frame instead of keeping a pace
    ground_truth: bool = False  # send the class mask and the position of the target with each frame


@dataclass
class ControlRequests:
    """What the follower has requested of the simulator itself."""

    speed: float
    new_episode: commands.NewEpisode | None = None


def fly(
    simulation: Episode | Slideshow,
    client: Client,
    plan: FlightPlan,
    on_frame: Callable[[Observation], None],
    info: Mapping[str, int] | None = None,
) -> ControlRequests:
    """Fly to the end of the plan, connected or not, and return the final requests of the follower.

    `on_frame` is called with each observation after it was sent. `info`, seed and people, is reported to the follower
    together with the speed; without it, the simulator impersonates QuadSim. A request for a new episode ends this one.
    """
    flight = _Flight(simulation, client, plan)
    send_and_step = flight.send_and_step_in_lockstep if plan.lockstep else flight.send_and_step_in_real_time
    epoch = LOCKSTEP_EPOCH if plan.lockstep else time.time()
    number, count = 0, None if plan.duration is None else round(plan.duration * plan.hz)
    reported = None
    while flight.requests.new_episode is None and (count is None or number < count):
        current = client.connections, flight.requests.speed
        if info is not None and reported != current:
            speed = None if plan.lockstep else flight.requests.speed
            client.send(event("simulator_info", {**info, "speed": speed}))
            reported = current
        observation = simulation.observe()
        send_and_step(number, sensor_frame(observation, epoch, plan.ground_truth))
        on_frame(observation)
        number += 1
    return flight.requests


class _Flight:
    """Sends frames, applies commands, and advances the simulation to the next frame."""

    def __init__(self, simulation: Episode | Slideshow, client: Client, plan: FlightPlan):
        self.requests = ControlRequests(plan.speed)
        self._simulation, self._client, self._hz = simulation, client, plan.hz
        self._due = time.monotonic()  # when the next tick is due in real time

    def send_and_step_in_real_time(self, number: int, frame: Mapping[str, str]) -> None:
        """Send a frame and advance at the pace of the clock; apply commands as they arrive."""
        self._client.send(event("sensor_frame", frame))
        end = (number + 1) / self._hz
        while self._simulation.time < end - TICK / 2:
            self._due += TICK / self.requests.speed
            for _ in range(MAX_COMMANDS_PER_TICK):
                command = self._client.next_command(max(0.0, self._due - time.monotonic()))
                if command is None:
                    break
                self._apply(command)
            self._check_connection()
            self._simulation.step(TICK)
        self._due = max(self._due, time.monotonic() - TICK)  # a larger backlog is dropped

    def send_and_step_in_lockstep(self, number: int, frame: Mapping[str, str]) -> None:
        """Send a frame, and advance once all commands for it have arrived; wait while there is no server."""
        packet = event("sensor_frame", frame, number)
        while not self._is_answered(packet, number):
            self._check_connection()
        self._simulation.step(1.0 / self._hz)

    def _is_answered(self, packet: str, number: int) -> bool:
        """Send a packet and apply commands until it is acknowledged; return False if the connection is lost."""
        client = self._client
        if not client.wait_connected(1.0) or not client.send(packet):
            return False
        deadline = time.monotonic() + ANSWER_TIMEOUT
        while client.connected and time.monotonic() < deadline:
            command = client.next_command(timeout=0.2)
            if command == commands.FrameDone(number):
                return True
            if command is not None:  # acknowledgements with other ids are left over from before a reconnection
                self._apply(command)
        if client.connected:
            problem = "the server is too slow, or does not acknowledge; continuing"
            log.warning("frame %d was not acknowledged within %.0f s: %s", number, ANSWER_TIMEOUT, problem)
        return client.connected

    def _apply(self, command: commands.Command) -> None:
        match command:
            case commands.SetSpeed(speed):
                self.requests.speed = speed
            case commands.NewEpisode():
                self.requests.new_episode = command
            case commands.Detected(coords):
                self._simulation.target_detected(coords)
            case commands.Lost():
                self._simulation.target_lost()
            case commands.PlaceMarker(marker, duration):
                self._simulation.place_marker(marker, duration)
            case commands.DeleteMarker(id):
                self._simulation.delete_marker(id)

    def _check_connection(self) -> None:
        if self._client.silence > WATCHDOG:
            self._simulation.target_lost()
