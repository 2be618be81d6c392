"""One flight of the following task: the simulator, the link to the agent, and the log. Knows no agent and no network.

Pictures, depth and poses take the forms they have on the wire, JPEG included, but no socket: what an agent reports for
a frame is applied when the frame has arrived, so that the same seeds and reports give the same flights.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dataset.schema import REFERENCE_SIZE
from gym_follow.log import Moment
from gym_follow.report import Observation, Report
from sim_bridge.wire.messages import SensorFrame, parse_sensor_frame
from simulator.difficulty.levels import LEVELS
from simulator.difficulty.link import Link
from simulator.episode import Episode
from simulator.flight import LOCKSTEP_EPOCH
from simulator.geometry import extrapolate
from simulator.link.frames import sensor_frame
from simulator.rendering.renderer import Renderer
from simulator.rules import OWN, QUADSIM
from simulator.types import Observation as Truth
from simulator.types import Point
from simulator.world.city import Rect

HZ = 5.0


@dataclass(frozen=True)
class Conditions:
    """What a flight depends on besides the agent and the world."""

    people: int | None = None  # besides the target; None: as many as the difficulty has
    like_quadsim: bool = False  # QuadSim's crowd, patrol and lock-on
    speed: float = 1.0  # simulated seconds per second; frames and timestamps keep to the wall clock, as QuadSim's do


@dataclass(frozen=True)
class Seen:
    """A frame that has arrived at the agent, and the truth when the picture was taken."""

    frame: SensorFrame
    truth: Truth
    extent: Rect  # of the city

    def observation(self, with_mask: bool) -> Observation:
        """Return what the agent sees, see `gym_follow.report.Agent`; the arrays are its own."""
        frame = self.frame
        values: dict[str, Any] = {
            "rgb": frame.image,
            "depth": frame.depth_image,
            "pose": _as_array(frame.pose),
            "gimbal_pose": _as_array(frame.gimbal_pose),
            "time": np.array([frame.timestamp]),
            "extent": np.array(self.extent),
        }
        if with_mask:
            assert self.truth.rendered is not None
            values["mask"] = self.truth.rendered.mask
        return {name: value.copy() for name, value in values.items()}


class World:
    """The city of a seed and its renderer, which take a second to make: any number of flights, one after another."""

    def __init__(self, seed: int, difficulty: str) -> None:
        self.seed, self.difficulty = seed, difficulty
        self.city = LEVELS[difficulty].city(seed)
        self.renderer = Renderer(self.city)

    def close(self) -> None:
        """Free the renderer."""
        self.renderer.close()


class FollowFlight:
    """A drone in a city, frame by frame."""

    def __init__(self, world: World, conditions: Conditions) -> None:
        level = LEVELS[world.difficulty]
        people = level.people if conditions.people is None else conditions.people
        rules = level.rules(world.seed, QUADSIM if conditions.like_quadsim else OWN)
        self._episode = Episode(world.city, world.renderer, people, rules)
        self._link: Link[Seen] = level.link(world.seed)
        self._speed = conditions.speed
        self._truth, self.moment = self._take_picture()

    def info(self) -> dict[str, Any]:
        """Return ground truth of this moment: "target", its centre, (3,) metres, and "target_visible"."""
        return {"target": np.array(self._episode.target_centre), "target_visible": self.moment.target_visible}

    @property
    def picture(self) -> np.ndarray:
        """The newest picture, (256, 256, 3) uint8, whether it has arrived or not."""
        assert self._truth.rendered is not None
        return self._truth.rendered.rgb

    def arrivals(self) -> list[Seen]:
        """Return the frames that have arrived since the last call."""
        return list(self._link.arrivals(self._episode.time))

    def report(self, report: Report, seen: Seen) -> None:
        """Do what the agent reports for a frame, and log it with the newest picture."""
        if report.position is not None:
            age = (self._episode.time - seen.truth.time) / self._speed  # seconds as the frames have them
            position = extrapolate(report.position, report.velocity, age)
            self._episode.target_detected(position)
            followed = self._episode.followed  # with QuadSim's lock-on, not what is reported
            self.moment = replace(
                self.moment,
                reported=position,
                target_when_reported=self._episode.target_centre,
                followed=followed,
                nearest_is_target=_is_target_nearest(followed, self._truth),
                reported_lost=False,  # by a frame that arrived before this one, in the same moment
            )
        if report.lost:
            self._episode.target_lost(report.look_at)
            self.moment = replace(self.moment, reported_lost=True)

    def advance(self, answer: Callable[[Seen], Report]) -> Moment:
        """Fly until the next picture; `answer` is called for each frame that arrives. Return the moment that is over.

        `moment` is the new one, in which nothing has been reported yet.
        """
        for seen in self._link.carry(self._episode, self._speed / HZ):
            self.report(answer(seen), seen)
        over = self.moment
        self._truth, self.moment = self._take_picture()
        return over

    def _take_picture(self) -> tuple[Truth, Moment]:
        """Send a picture to the agent; return the truth that it shows, and its moment."""
        truth = self._episode.observe()
        epoch = LOCKSTEP_EPOCH + truth.time / self._speed - truth.time
        frame = parse_sensor_frame((sensor_frame(truth, epoch),), REFERENCE_SIZE)
        self._link.send(Seen(frame, truth, self._episode.city.extent), truth.time)
        camera, target = truth.gimbal_pose, truth.target_centre
        obstacles = self._episode.city.obstacles
        return truth, Moment(
            time=truth.time,
            quad=truth.pose.position,
            camera_yaw=camera.yaw,
            target=target,
            target_pixels=truth.target_pixels,
            line_of_sight=obstacles.line_of_sight(np.array(camera.position), np.array(target)),
            reported=None,
            target_when_reported=None,
            followed=truth.reported,
            nearest_is_target=_is_target_nearest(truth.reported, truth),
            reported_lost=False,
            collisions=truth.collisions,
        )


def _is_target_nearest(position: Point | None, truth: Truth) -> bool:
    return position is not None and truth.nearest_person(position).is_target


def _as_array(pose: Any) -> np.ndarray:
    return np.array([pose.x, pose.y, pose.z, pose.roll, pose.pitch, pose.yaw])
