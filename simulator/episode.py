"""The world in time: people walk, the quad flies, frames are seen. Deterministic: it knows no clock and no network.

The same seed and the same commands between the same steps give the same states and frames.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np

from simulator.contract import CameraPose, Marker, Person, Rendered, Renderer
from simulator.drone.behaviours import Follow, Patrol
from simulator.drone.quad import Quad
from simulator.world.city import City, generate_city
from simulator.world.obstacles import Obstacles
from simulator.world.people import Crowd, WalkMap

TICK = 0.05  # s, the fixed step of all motion
CROWD_TICKS = 2  # people are slow: they step every second tick
CENTRE_HEIGHT = 1.0  # m from the feet to the middle of a person
HALF_VIEW = np.tan(np.radians(30))  # the camera's: 60 degrees, square
FAR = 100.0  # m, as far as the camera sees
MAX_HEIGHT = 60.0  # m that it can be sent up to
MAX_MARKERS = 64


class QuadState(Enum):
    """What the quad is doing."""

    PATROL = "patrol"
    FOLLOW = "follow"


@dataclass(frozen=True)
class Observation:
    """One moment of the world: what the camera sees, and the truth."""

    time: float  # seconds since the episode began
    state: QuadState
    pose: CameraPose  # the body
    gimbal_pose: CameraPose  # the camera that took the images
    rendered: Rendered | None  # None where the episode has no renderer
    people: tuple[Person, ...]  # the hero first
    markers: tuple[Marker, ...]
    hero_visible: bool  # hero pixels in the mask; without a renderer: in the field of view and in line of sight
    reported: tuple[float, float, float] | None  # what the quad is told to follow, metres; None on patrol
    collisions: int  # of the quad, so far

    @property
    def hero(self) -> Person | None:
        """The one to follow; None in a slideshow."""
        return self.people[0] if self.people else None

    @property
    def hero_centre(self) -> tuple[float, float, float]:
        """What a perfect agent would report, metres."""
        return (self.hero.x, self.hero.y, self.hero.z + CENTRE_HEIGHT)

    @property
    def hero_pixels(self) -> int:
        """Visible pixels of the hero."""
        return 0 if self.rendered is None else int(np.count_nonzero(self.rendered.mask[..., 2]))

    @property
    def hero_distance(self) -> float:
        """Metres from the quad to the hero's centre."""
        return float(np.linalg.norm(np.subtract(self.hero_centre, (self.pose.x, self.pose.y, self.pose.z))))

    def nearest_person(self, point: tuple[float, float, float]) -> Person:
        """Whom a reported point (metres) belongs to."""
        return min(self.people, key=lambda person: np.hypot(person.x - point[0], person.y - point[1]))


class Episode:
    """One drone in one city.

    Args:
        seed: of the city, its people and all that is left to chance.
        renderer: draws the frames; without one, observations carry none.
        city: instead of the one that the seed gives.
        people: how many others there are.
        turnover: how soon they are replaced: "short" (5-7 s), "medium" (45-55 s), "long" (130-150 s) or "never".
        respawn: at the end of a path a new hero begins elsewhere, as in QuadSim; otherwise she walks on.
        lock_on: imitate QuadSim: on `detected`, follow the true hero if the camera sees her, whatever was reported.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        renderer: Renderer | None = None,
        city: City | None = None,
        people: int = 60,
        turnover: str = "long",
        respawn: bool = False,
        lock_on: bool = False,
    ):
        self.city = city or generate_city(seed)
        self.obstacles = Obstacles(self.city.boxes)
        self._renderer = renderer
        walk_map = WalkMap(self.city.is_walkable, self.city.extent)
        self._crowd = Crowd(walk_map, self.city.hero_waypoints, people, turnover, respawn, seed)
        self._lock_on, self._locked = lock_on, False
        self._ticks, self._owed = 0, 0.0
        points = np.array(self.city.patrol_points, dtype=float)
        to_hero = np.linalg.norm(points - self._hero_centre(), axis=1)
        self.quad = Quad(points[np.argmin(to_hero)])  # near enough that the hunt does not take all the time
        self._behaviour: Patrol | Follow = Patrol(self.city.patrol_points)
        self._markers: dict[int, tuple[Marker, float]] = {}

    @property
    def time(self) -> float:
        """Seconds since the episode began."""
        return self._ticks * TICK

    @property
    def state(self) -> QuadState:
        """What the quad is doing."""
        return QuadState.FOLLOW if isinstance(self._behaviour, Follow) else QuadState.PATROL

    def step(self, seconds: float) -> None:
        """Let time pass; what does not fill a tick is kept for the next step."""
        self._owed += seconds
        while self._owed > TICK - 1e-9:
            self._owed -= TICK
            self._tick()

    def detected(self, coords: tuple[float, float, float]) -> None:
        """The hero's centre is said to be at `coords`, metres: follow. Points outside are moved to the edge.

        Raises ValueError unless `coords` are three finite numbers.
        """
        if np.shape(coords) != (3,) or not np.isfinite(coords).all():
            raise ValueError(f"expected three finite numbers, got {coords}")
        if self._lock_on:
            self._locked = self._locked or self.hero_in_view()
            if not self._locked:
                return
            coords = self._hero_centre()
        if not isinstance(self._behaviour, Follow):
            self._behaviour = Follow()
        x_min, y_min, x_max, y_max = self.city.extent
        inside = np.clip(coords, (x_min, y_min, -MAX_HEIGHT), (x_max, y_max, MAX_HEIGHT))
        self._behaviour.report(inside, self.time)

    def lost(self) -> None:
        """The agent (or the link to it) is lost: back to patrol."""
        self._locked = False
        if isinstance(self._behaviour, Follow):
            self._behaviour = Patrol(self.city.patrol_points)

    def place_marker(self, marker: Marker, duration: float) -> None:
        """Draw a marker, or move the one with its id, for `duration` seconds; -1 for ever."""
        self._markers.pop(marker.id, None)
        self._markers[marker.id] = (marker, np.inf if duration < 0 else self.time + duration)
        if len(self._markers) > MAX_MARKERS:  # an agent that never takes one back must not slow the world down
            del self._markers[next(iter(self._markers))]

    def delete_marker(self, id: int) -> None:
        """Take a marker away, if it is there."""
        self._markers.pop(id, None)

    def observe(self) -> Observation:
        """What is seen now. Changes nothing."""
        people = self._crowd.people(self.city.ground_height)
        markers = tuple(marker for marker, until in self._markers.values() if until > self.time)
        rendered = self._renderer.render(self.quad.camera, people, markers) if self._renderer else None
        visible = bool(rendered.mask[..., 2].any()) if rendered else self.hero_in_view()
        return Observation(
            time=self.time,
            state=self.state,
            pose=self.quad.pose,
            gimbal_pose=self.quad.camera,
            rendered=rendered,
            people=people,
            markers=markers,
            hero_visible=visible,
            reported=self._behaviour.reported if isinstance(self._behaviour, Follow) else None,
            collisions=self.quad.collisions,
        )

    def hero_in_view(self) -> bool:
        """Whether the hero's centre is in the camera's field of view and in line of sight."""
        camera, centre = self.quad.camera, np.array(self._hero_centre())
        eye = np.array([camera.x, camera.y, camera.z])
        forward, left, up = _in_camera(camera, centre - eye)
        if not 0 < forward < FAR or max(abs(left), abs(up)) > HALF_VIEW * forward:
            return False
        return self.obstacles.line_of_sight(eye, centre)

    def _hero_centre(self) -> tuple[float, float, float]:
        x, y = map(float, self._crowd.positions[0])
        return (x, y, float(self.city.ground_height(x, y)) + CENTRE_HEIGHT)

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks % CROWD_TICKS == 0:
            self._crowd.step(CROWD_TICKS * TICK)
        ground = float(self.city.ground_height(*self.quad.position[:2]))
        if isinstance(self._behaviour, Follow):
            if self._locked:
                self._behaviour.report(self._hero_centre(), self.time)
            if self._behaviour.given_up(self.time):
                self.lost()
        if isinstance(self._behaviour, Follow):
            self._behaviour.step(self.quad, self.obstacles, ground, self.time, TICK)
        else:
            self._behaviour.step(self.quad, self.obstacles, ground, TICK)
        for id in [id for id, (_, until) in self._markers.items() if until <= self.time]:
            del self._markers[id]


def _in_camera(camera: CameraPose, offset: np.ndarray) -> tuple[float, float, float]:
    """A world offset along the camera's own forward, left and up axes (the camera does not roll)."""
    cos_yaw, sin_yaw = np.cos(camera.yaw), np.sin(camera.yaw)
    cos_pitch, sin_pitch = np.cos(camera.pitch), np.sin(camera.pitch)
    level = cos_yaw * offset[0] + sin_yaw * offset[1]
    return (
        level * cos_pitch - offset[2] * sin_pitch,
        cos_yaw * offset[1] - sin_yaw * offset[0],
        level * sin_pitch + offset[2] * cos_pitch,
    )
