"""One flight: an episode at one end, a client at the other, and the pace between them.

A stand-in that says that it is one can be controlled: its speed, and when a new episode begins.
"""

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from simulator.episode import TICK
from simulator.link import wire
from simulator.link.client import Client
from simulator.types import Marker, Observation, Simulation

log = logging.getLogger(__name__)

WATCHDOG = 3.0  # s without a ping or pong, and a following quad goes back to patrol
MOST_A_TICK = 100  # commands: a server that floods must not stop the world
ANSWER_WITHIN = 10.0  # s in lockstep
LOCKSTEP_EPOCH = 1_500_000_000.0  # s: in lockstep not even the timestamps depend on the clock


@dataclass(frozen=True)
class FlightPlan:
    """How to fly."""

    hz: float = 5.0  # frames a simulated second
    speed: float = 1.0  # simulated seconds a second
    duration: float | None = None  # simulated seconds; None: until interrupted
    lockstep: bool = False  # wait for the answer to each frame instead of keeping a pace
    ground_truth: bool = False  # send the class mask and the position of the target along


@dataclass
class Wishes:
    """What people want of the stand-in itself."""

    speed: float
    episode: wire.NewEpisode | None = None


def fly(
    simulation: Simulation,
    client: Client,
    plan: FlightPlan,
    on_frame: Callable[[Observation], None],
    about: Mapping[str, int] | None = None,
) -> Wishes:
    """Fly to the end of the plan, with or without a server; `on_frame` sees every observation after it was sent.

    `about`, seed and people, is what the stand-in says of itself to the server, with its speed; None: it passes for
    QuadSim. Returns what people wanted in the end: with an `episode` where they ended this one for another.
    """
    wishes, told = Wishes(plan.speed), None
    advance = partial(_in_lockstep if plan.lockstep else _in_real_time, simulation, client, plan, wishes)
    epoch = LOCKSTEP_EPOCH if plan.lockstep else time.time()
    number, frames = 0, None if plan.duration is None else round(plan.duration * plan.hz)
    due = time.monotonic()
    while wishes.episode is None and (frames is None or number < frames):
        news = client.connections, wishes.speed
        if about is not None and told != news:
            client.send(wire.event("simulator_info", {**about, "speed": None if plan.lockstep else wishes.speed}))
            told = news
        observation = simulation.observe()
        packet = wire.event("sensor_frame", sensor_frame(observation, epoch, plan), number if plan.lockstep else None)
        due = advance(packet, number, due)
        on_frame(observation)
        number += 1
    return wishes


def sensor_frame(observation: Observation, epoch: float, plan: FlightPlan) -> dict[str, str]:
    """The payload of one frame, QuadSim's keys first."""
    rendered = observation.rendered
    payload = {
        "timestamp": wire.format_timestamp(epoch + observation.time),
        "pose": wire.format_pose(observation.pose),
        "gimbal_pose": wire.format_pose(observation.gimbal_pose),
        "rgb_image": wire.encode_jpeg(rendered.rgb),
        "depth_image": wire.encode_depth(rendered.depth),
    }
    if plan.ground_truth:
        target = observation.target
        payload["ground_truth_mask"] = wire.encode_mask(rendered.mask)
        payload["ground_truth_target"] = "" if target is None else f"{target.x:.4f},{target.y:.4f},{target.z:.4f}"
    return payload


def obey(simulation: Simulation, command: wire.Command, wishes: Wishes) -> None:
    """Do what the agent asks; remember what people ask."""
    match command:
        case wire.SetSpeed(speed):
            wishes.speed = speed
        case wire.NewEpisode():
            wishes.episode = command
        case wire.Detected(coords):
            simulation.target_detected(coords)
        case wire.Lost():
            simulation.target_lost()
        case wire.PlaceMarker(id, pose, dimensions, color, duration):
            simulation.place_marker(Marker(id, pose.x, pose.y, pose.z, pose.yaw, dimensions, color), duration)
        case wire.DeleteMarker(id):
            simulation.delete_marker(id)


def _in_real_time(
    simulation: Simulation, client: Client, plan: FlightPlan, wishes: Wishes, packet: str, number: int, due: float
) -> float:
    """Send a frame and let the time to the next one pass, obeying commands as they come; returns when that is due."""
    client.send(packet)
    end = (number + 1) / plan.hz
    while simulation.time < end - TICK / 2:
        due += TICK / wishes.speed
        for _ in range(MOST_A_TICK):
            command = client.next_command(max(0.0, due - time.monotonic()))
            if command is None:
                break
            obey(simulation, command, wishes)
        if client.silence > WATCHDOG:
            simulation.target_lost()
        simulation.step(TICK)
    return max(due, time.monotonic() - TICK)  # what cannot be made up is let go


def _in_lockstep(
    simulation: Simulation, client: Client, plan: FlightPlan, wishes: Wishes, packet: str, number: int, due: float
) -> float:
    """Send a frame, obey all that the server says to it, then step; waits for a server that is not there."""
    while not _answered(simulation, client, wishes, packet, number):
        if client.silence > WATCHDOG:
            simulation.target_lost()
    simulation.step(1.0 / plan.hz)
    return due


def _answered(simulation: Simulation, client: Client, wishes: Wishes, packet: str, number: int) -> bool:
    if not client.wait_connected(1.0) or not client.send(packet):
        return False
    deadline = time.monotonic() + ANSWER_WITHIN
    while client.connected and time.monotonic() < deadline:
        command = client.next_command(timeout=0.2)
        if command is None:
            continue
        if isinstance(command, wire.FrameDone):
            if command.id == number:
                return True
            continue  # left over from before a reconnection
        obey(simulation, command, wishes)
    if client.connected:
        log.warning(
            "frame %d was not acknowledged within %.0f s: the server is too slow, or does not acknowledge; going on",
            number,
            ANSWER_WITHIN,
        )
    return client.connected
