"""The loop of a flight: observe, send a frame, apply the commands, advance the simulation.

A follower can control the built-in simulator itself: its speed, and the start of a new episode.
"""

import itertools
import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from simulator.difficulty.link import Link
from simulator.episode import TICK, Episode
from simulator.geometry import extrapolate
from simulator.link.client import Client
from simulator.link.commands import Command
from simulator.link.frames import event, sensor_frame
from simulator.slideshow import Slideshow
from simulator.types import Marker, Observation

log = logging.getLogger(__name__)

Frame = Mapping[str, str]  # the payload of a sensor_frame

WATCHDOG = 3.0  # s without a ping or pong, after which a following quad returns to patrol
MAX_COMMANDS_PER_TICK = 100  # so that a flood of commands cannot stop the simulation
ANSWER_TIMEOUT = 10.0  # s, in lockstep
WAIT = 0.1  # s, for a server in lockstep, before a window is asked whether it is still open
LOCKSTEP_EPOCH = 1_500_000_000.0  # s: in lockstep not even the timestamps depend on the clock


@dataclass(frozen=True)
class FlightPlan:
    """Settings of a flight."""

    hz: float = 5.0  # frames per simulated second, with `wall_clock` per real second
    speed: float = 1.0  # simulated seconds per second
    duration: float | None = None  # simulated seconds; None: until interrupted
    lockstep: bool = False  # wait for the answer to each frame instead of keeping a pace
    ground_truth: bool = False  # send the class mask and the position of the target with each frame
    await_last: bool = False  # end only when the last frame has been answered
    wall_clock: bool = False  # frames and their timestamps keep to the wall clock, as QuadSim's do at any speed


class Flight:
    """Sends frames, applies the commands, and advances the simulation, connected or not.

    `info`, which describes the episode, is reported to the follower together with the speed; without it, the simulator
    impersonates QuadSim. `link` carries the frames; the default is perfect. `while_waiting` is called again and again
    while a flight in lockstep has no server.
    """

    def __init__(
        self,
        simulation: Episode | Slideshow,
        client: Client,
        plan: FlightPlan,
        info: Mapping[str, object] | None = None,
        link: Link[Frame] | None = None,
        while_waiting: Callable[[], object] = lambda: None,
    ):
        self.speed = plan.speed  # until the follower requests another one
        self.new_episode: Mapping[str, Any] | None = None  # seed, people and difficulty, if the follower requested one
        self._simulation, self._client, self._plan, self._info = simulation, client, plan, info
        self._link: Link[Frame] = link or Link()
        self._while_waiting = while_waiting
        self._due = time.monotonic()  # when the next tick is due in real time
        self._reported: tuple[int, float] | None = None  # connection and speed that the follower has been told
        self._sent = self._answered = -1  # ids of the newest such frames
        self._newest = (0.0, 0.0)  # timestamp and simulated time of the newest frame, seconds

    def fly(self, on_frame: Callable[[Observation], None]) -> None:
        """Fly to the end of the plan or of the slideshow, or until a new episode is requested.

        `on_frame` is called after each frame.
        """
        plan = self._plan
        step = self._step_in_lockstep if plan.lockstep else self._step_in_real_time
        start = time.time()
        for number in itertools.count():
            if self._is_over(number):
                break
            observation = self._simulation.observe()
            epoch = LOCKSTEP_EPOCH if plan.lockstep else start
            if plan.wall_clock:  # `sensor_frame` adds the simulated time
                now = LOCKSTEP_EPOCH + number / plan.hz if plan.lockstep else time.time()
                epoch = now - observation.time
            self._newest = epoch + observation.time, observation.time
            self._link.send(sensor_frame(observation, epoch, plan.ground_truth), observation.time)
            step()
            on_frame(observation)
            if self.new_episode is not None:
                return
        if plan.await_last:
            self._await_answer(self._sent)

    def _is_over(self, number: int) -> bool:
        """Return whether all frames have been sent, `number` so far."""
        duration, simulation = self._plan.duration, self._simulation
        if isinstance(simulation, Slideshow) and simulation.ended:
            return True
        if duration is None:
            return False
        if self._plan.wall_clock:
            return simulation.time > duration - TICK / 2
        return number >= round(duration * self._plan.hz)

    @property
    def _seconds_per_frame(self) -> float:
        """Simulated seconds from one frame to the next."""
        return (self.speed if self._plan.wall_clock else 1.0) / self._plan.hz

    @property
    def _timestamp(self) -> float:
        """Timestamp that a frame would have now, seconds."""
        timestamp, then = self._newest
        return timestamp + (self._simulation.time - then) / (self.speed if self._plan.wall_clock else 1.0)

    def _step_in_real_time(self) -> None:
        """Advance to the next frame at the pace of the clock; deliver frames and apply commands as they arrive."""
        steps = max(1, round(self._seconds_per_frame / TICK))
        step = self._seconds_per_frame / steps
        for _ in range(steps):
            for frame in self._link.arrivals(self._simulation.time):
                self._sent += 1
                self._report_info()
                self._client.send(event("sensor_frame", frame, self._sent if self._plan.await_last else None))
            self._due += step / self.speed
            for _ in range(MAX_COMMANDS_PER_TICK):
                command = self._client.next_command(max(0.0, self._due - time.monotonic()))
                if command is None:
                    break
                self._apply(command)
            self._check_connection()
            self._simulation.step(step)
        self._due = max(self._due, time.monotonic() - TICK)  # a larger backlog is dropped

    def _step_in_lockstep(self) -> None:
        """Advance to the next frame; at each that arrives, wait for all commands for it, and for a server."""
        for frame in self._link.carry(self._simulation, self._seconds_per_frame):
            self._sent += 1
            packet = event("sensor_frame", frame, self._sent)
            while not self._is_answered(packet, self._sent):
                self._check_connection()
                self._while_waiting()

    def _is_answered(self, packet: str, number: int) -> bool:
        """Send a packet and apply commands until it is acknowledged; return False if the connection is lost."""
        if not self._client.wait_connected(WAIT):
            return False
        self._report_info()
        return self._client.send(packet) and self._await_answer(number)

    def _report_info(self) -> None:
        """Report the episode and the speed, if either the connection or the speed is new: before the next frame."""
        current = self._client.connections, self.speed
        if self._info is None or self._reported == current:
            return
        speed = None if self._plan.lockstep else self.speed
        if self._client.send(event("simulator_info", {**self._info, "speed": speed})):
            self._reported = current

    def _await_answer(self, number: int) -> bool:
        """Apply commands until a frame is acknowledged; return False if the connection is lost."""
        client, deadline = self._client, time.monotonic() + ANSWER_TIMEOUT
        while self._answered < number and client.connected and time.monotonic() < deadline:
            command = client.next_command(timeout=0.2)
            if command is not None:
                self._apply(command)
        if self._answered < number and client.connected:
            problem = "the server is too slow, or does not acknowledge; continuing"
            log.warning("frame %d was not acknowledged within %.0f s: %s", number, ANSWER_TIMEOUT, problem)
        return client.connected

    def _apply(self, command: Command) -> None:
        simulation, values = self._simulation, command.values
        match command.name:
            case "object_detected":
                position, velocity, taken = values["coords"], values["velocity"], values["time"]
                if velocity is not None and taken is not None:
                    position = extrapolate(position, velocity, self._timestamp - taken)
                simulation.target_detected(position)
            case "object_lost":
                simulation.target_lost(values["coords"])
            case "create_box_marker":
                x, y, z, _, _, yaw = values["pose"]
                marker = Marker(values["id"], x, y, z, math.radians(yaw), values["dimensions"], values["color"])
                simulation.place_marker(marker, values["duration"])
            case "delete_marker":
                simulation.delete_marker(values["id"])
            case "set_speed":
                self.speed = values["speed"]
            case "new_episode":
                self.new_episode = values
            case "frame_done":
                self._answered = max(self._answered, values["id"])

    def _check_connection(self) -> None:
        if self._client.silence > WATCHDOG:
            self._simulation.target_lost()
