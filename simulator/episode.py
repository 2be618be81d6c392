"""An episode: people walk, the quad flies, the camera takes frames. Deterministic; uses no clock and no network.

The same seed and the same commands between the same steps give the same states and frames.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from simulator.drone.behaviours import Follow, Patrol, Search
from simulator.drone.quad import Quad
from simulator.geometry import FAR, HALF_VIEW, to_camera
from simulator.rendering.depth_faults import with_faults
from simulator.rules import OWN, Rules
from simulator.types import CENTRE_HEIGHT, FloatArray, Marker, Observation, Person, Point, QuadState, Rendered
from simulator.world.city import City
from simulator.world.crowd import Crowd

if TYPE_CHECKING:  # an episode without images does not need Panda3D
    from simulator.rendering.renderer import Renderer

TICK = 0.05  # s, the fixed step of all motion
CROWD_TICKS = 2  # people are slow enough to be moved only every second tick
MAX_HEIGHT = 60.0  # m, to which reported positions are clipped
MAX_MARKERS = 64
LOCK_ANGLE = math.radians(60)


class Episode:
    """One drone in one city.

    Args:
        city: its seed also seeds all random choices.
        renderer: draws the frames; without one, observations have no images.
        people: number of people besides the target.
        rules: how people and the quad behave.
    """

    def __init__(self, city: City, renderer: "Renderer | None" = None, people: int = 60, rules: Rules = OWN):
        self.city, self._renderer, self._rules = city, renderer, rules
        self._crowd = Crowd(city, people, rules)
        self._locked = False  # on the true position of the target
        self._ticks, self._remainder = 0, 0.0  # the remainder: seconds not yet simulated, less than a tick
        self._patrol_points = city.patrol_points_at(rules.patrol_height)
        points = np.array(self._patrol_points, dtype=float)
        to_target = np.linalg.norm(points - self.target_centre, axis=1)
        start = points[np.argmin(to_target)]
        self.quad = Quad(start, lowest=rules.lowest_flight)  # near the target, so that the search stays short
        self._behaviour: Patrol | Follow | Search = Patrol(self._patrol_points, rules)
        self._markers: dict[int, tuple[Marker, float]] = {}  # id -> marker, time of expiry

    @property
    def time(self) -> float:
        """Simulated seconds since the start."""
        return self._ticks * TICK

    @property
    def state(self) -> QuadState:
        """Behaviour of the quad."""
        return {Patrol: QuadState.PATROL, Follow: QuadState.FOLLOW, Search: QuadState.SEARCH}[type(self._behaviour)]

    @property
    def followed(self) -> Point | None:
        """Position that the quad follows, metres; None if it does not follow."""
        return self._behaviour.reported if isinstance(self._behaviour, Follow) else None

    def step(self, seconds: float) -> None:
        """Advance the simulated time by whole ticks; the remainder is kept for the next step."""
        self._remainder += seconds
        while self._remainder > TICK - 1e-9:
            self._remainder -= TICK
            self._tick()

    def target_detected(self, position: Point) -> None:
        """Follow the reported centre of the target, metres. A position outside the city is moved to its edge."""
        if self._rules.lock_on:
            self._locked = self._locked or self.target_in_front()
            if not self._locked:
                return
            position = self.target_centre
        self._report(self._inside(position))

    def target_lost(self, look_at: Point | None = None) -> None:
        """Look for the target at a place, metres; without one, return to patrol.

        Like QuadSim, a quad that locks on returns to patrol.
        """
        self._locked = False
        patrol = self._patrol
        if look_at is not None and not self._rules.lock_on:
            self._behaviour = Search(self._inside(look_at), self.time, patrol)
        else:
            self._behaviour = patrol or Patrol(self._patrol_points, self._rules)

    @property
    def _patrol(self) -> Patrol | None:
        """The patrol that it is on, or has left to look at something; None where it follows, or has followed since."""
        if isinstance(self._behaviour, Search):
            return self._behaviour.patrol
        return self._behaviour if isinstance(self._behaviour, Patrol) else None

    def place_marker(self, marker: Marker, duration: float) -> None:
        """Show a marker, or move the one with its id, for `duration` seconds; -1 = until deleted."""
        self._markers.pop(marker.id, None)
        self._markers[marker.id] = (marker, np.inf if duration < 0 else self.time + duration)
        if len(self._markers) > MAX_MARKERS:  # an agent that never deletes markers must not slow down the simulation
            del self._markers[next(iter(self._markers))]

    def delete_marker(self, id: int) -> None:
        """Remove a marker if it exists."""
        self._markers.pop(id, None)

    def observe(self) -> Observation:
        """Return the current state. Changes nothing."""
        people = self._crowd.people()
        markers = tuple(marker for marker, until in self._markers.values() if until > self.time)
        rendered = self._render(people) if self._renderer else None
        visible = bool(rendered.mask[..., 2].any()) if rendered else self.target_in_view()
        return Observation(
            time=self.time,
            state=self.state,
            pose=self.quad.pose,
            gimbal_pose=self.quad.camera,
            rendered=rendered,
            people=people,
            markers=markers,
            target_visible=visible,
            reported=self.followed,
            collisions=self.quad.collisions,
        )

    def _render(self, people: Sequence[Person]) -> Rendered:
        assert self._renderer is not None
        rendered = self._renderer.render(self.quad.camera, people, self.time)
        if not self._rules.noisy_depth:
            return rendered
        random = np.random.default_rng([self.city.seed, self._ticks, 43])
        return replace(rendered, depth=with_faults(rendered.depth, random))

    def target_in_view(self) -> bool:
        """Return whether the target's centre is in the camera's field of view and in line of sight."""
        camera, centre = self.quad.camera, np.array(self.target_centre)
        forward, left, up = to_camera(camera, centre[None])[0]
        if not 0 < forward < FAR or max(abs(left), abs(up)) > HALF_VIEW * forward:
            return False
        return self.city.obstacles.line_of_sight(np.array(camera.position), centre)

    def target_in_front(self) -> bool:
        """Return whether QuadSim would lock on: in line of sight, within LOCK_ANGLE of the camera's axis."""
        camera, centre = self.quad.camera, np.array(self.target_centre)
        forward, left, up = to_camera(camera, centre[None])[0]
        if math.atan2(math.hypot(left, up), forward) > LOCK_ANGLE:
            return False
        return self.city.obstacles.line_of_sight(np.array(camera.position), centre)

    @property
    def target_centre(self) -> Point:
        """Centre of the target now, metres."""
        x, y = map(float, self._crowd.positions[0])
        return (x, y, float(self.city.ground_height(x, y)) + CENTRE_HEIGHT)

    def _inside(self, position: Point) -> FloatArray:
        """Return a position, or the nearest one in the city."""
        x_min, y_min, x_max, y_max = self.city.extent
        return np.clip(position, (x_min, y_min, -MAX_HEIGHT), (x_max, y_max, MAX_HEIGHT))

    def _report(self, position: Point | np.ndarray) -> None:
        if isinstance(self._behaviour, Follow):
            self._behaviour.report(position, self.time)
        else:
            self._behaviour = Follow(position, self.time)

    def _tick(self) -> None:
        self._ticks += 1
        if self._ticks % CROWD_TICKS == 0:
            self._crowd.step(CROWD_TICKS * TICK)
        if self._locked:
            self._report(self.target_centre)
        if not isinstance(self._behaviour, Patrol) and self._behaviour.timed_out(self.time):
            self.target_lost()
        ground = float(self.city.ground_height(*self.quad.position[:2]))
        self._behaviour.step(self.quad, self.city.obstacles, ground, self.time, TICK)
        self._markers = {id: entry for id, entry in self._markers.items() if entry[1] > self.time}
