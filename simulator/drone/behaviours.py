"""What the quad wants to do: patrol the city, or follow the point that the agent reports. Never looks at the true hero.

The numbers are QuadSim's, except where a comment says otherwise.
"""

import math
from collections.abc import Sequence

import numpy as np

from simulator.drone.quad import MAX_SPEED, Quad, limit, turn_towards, wrap
from simulator.world.obstacles import Obstacles

SWEEP_RATE = math.radians(35)  # rad/s
PATROL_PITCH = math.radians(30)
SLOW_WITHIN = 5.0  # m, patrol
ARRIVED = 0.5  # m
WAIT = 5.0  # s at each patrol point

BEHIND = 2.0  # m, level distance kept to the target
ABOVE = 2.0  # m above the point that is looked at, which is 1 m above the feet
FOLLOW_SLOW_WITHIN = 10.0  # m
# Our own: QuadSim is told where the true hero is at every moment, this quad only what the agent reports.
TRACKING_RATE = math.radians(120)  # rad/s, the gimbal in follow
ORBIT_LEAD = math.radians(40)  # how far ahead on the circle it aims while working its way round to behind the target
EXTRAPOLATE = 1.0  # s after the last report
SMOOTHING = 1.0  # s, time constant of the target's velocity
FASTEST_TARGET = 3.0  # m/s
WALKING = 0.5  # m/s: slower, and the direction of the motion says nothing about what is behind
SEARCH_SWEEP = math.radians(60)  # to each side of where it was last seen
GIVE_UP = 10.0  # s without a report


class Patrol:
    """Look round once, then visit the patrol points in turn while the gimbal sweeps."""

    def __init__(self, points: Sequence[Sequence[float]]):
        self._points = np.array(points, dtype=float).reshape(-1, 3)
        self._to_look_round = 2 * math.pi
        self._sweep = Sweep(math.pi)
        self._next: int | None = None
        self._waited = 0.0

    def step(self, quad: Quad, obstacles: Obstacles, ground: float, dt: float) -> None:
        """Fly `dt` seconds of the patrol."""
        quad.point_gimbal(quad.gimbal_yaw, PATROL_PITCH, SWEEP_RATE, dt)
        if self._to_look_round > 0:
            turn = min(SWEEP_RATE * dt, self._to_look_round)
            self._to_look_round -= turn
            quad.gimbal_yaw = wrap(quad.gimbal_yaw + turn)
            quad.fly(np.zeros(3), 0.0, obstacles, ground, dt)
            return
        quad.gimbal_yaw = wrap(quad.gimbal_yaw + self._sweep.step(SWEEP_RATE * dt))
        way = self._way(quad, dt)
        speed = MAX_SPEED * math.sqrt(min(1.0, float(np.linalg.norm(way)) / SLOW_WITHIN))
        quad.fly(way, speed, obstacles, ground, dt)

    def _way(self, quad: Quad, dt: float) -> np.ndarray:
        """(3,) to the next patrol point; nothing while it waits at one."""
        if self._next is None:
            self._next = int(np.argmin(np.linalg.norm(self._points - quad.position, axis=1)))
        way = self._points[self._next] - quad.position
        distance = float(np.linalg.norm(way))
        if distance < ARRIVED or self._waited > 0:
            self._waited += dt
            if self._waited >= WAIT:
                self._waited = 0.0
                self._next = (self._next + 1) % len(self._points)
            return np.zeros(3)
        if math.hypot(way[0], way[1]) > ARRIVED:
            quad.turn_body(math.atan2(way[1], way[0]), dt)
        return way


class Follow:
    """Keep behind and above a moving point that is only known from reports."""

    def __init__(self) -> None:
        self._point: np.ndarray | None = None
        self._time = 0.0
        self._velocity = np.zeros(3)
        self._sweep = Sweep(SEARCH_SWEEP)

    def report(self, coords: Sequence[float], time: float) -> None:
        """Take in where the target's centre is said to be, (x, y, z) metres, at `time` seconds."""
        point = np.array(coords, dtype=float)
        elapsed = time - self._time
        if self._point is not None and 0 < elapsed <= EXTRAPOLATE:
            seen = limit((point - self._point) / elapsed, FASTEST_TARGET)
            self._velocity = self._velocity + (1 - math.exp(-elapsed / SMOOTHING)) * (seen - self._velocity)
        elif elapsed > EXTRAPOLATE:
            self._velocity = np.zeros(3)
        self._point, self._time = point, time
        self._sweep = Sweep(SEARCH_SWEEP)

    @property
    def reported(self) -> tuple[float, float, float]:
        """The last report, metres."""
        return tuple(map(float, self._point))

    def target(self, time: float) -> np.ndarray:
        """(3,) where the target should be at `time`: the last report, carried on for a moment."""
        return self._point + self._velocity * min(max(0.0, time - self._time), EXTRAPOLATE)

    def searching(self, time: float) -> bool:
        """Whether the last report is too old to go by."""
        return time - self._time > EXTRAPOLATE

    def given_up(self, time: float) -> bool:
        """Whether nothing was heard for so long that patrolling is better."""
        return time - self._time > GIVE_UP

    def step(self, quad: Quad, obstacles: Obstacles, ground: float, time: float, dt: float) -> None:
        """Fly `dt` seconds behind the target, or look around where it was last."""
        target = self.target(time)
        way = target - quad.position
        level = math.hypot(way[0], way[1])
        yaw, pitch = math.atan2(way[1], way[0]), math.atan2(-(way[2] + 0.1), level)
        quad.turn_body(yaw, dt)
        if self.searching(time):
            offset = self._sweep.offset
            self._sweep.step(SWEEP_RATE * dt)
            quad.point_gimbal(yaw + offset, min(pitch, PATROL_PITCH), TRACKING_RATE, dt)
        else:
            quad.point_gimbal(yaw, pitch, TRACKING_RATE, dt)
        goal = self._goal(target, wrap(yaw + math.pi), obstacles)
        way = goal - quad.position
        speed = MAX_SPEED * min(1.0, float(np.linalg.norm(way)) / FOLLOW_SLOW_WITHIN)
        quad.fly(way, speed, obstacles, ground, dt)

    def _goal(self, target: np.ndarray, here: float, obstacles: Obstacles) -> np.ndarray:
        """The point to fly to. `here` is the bearing of the quad as seen from the target."""
        bearing = here
        if math.hypot(self._velocity[0], self._velocity[1]) > WALKING:
            behind = math.atan2(-self._velocity[1], -self._velocity[0])
            # Straight to behind would lead over the target's head: go round instead.
            bearing = turn_towards(here, behind, ORBIT_LEAD)
        offset = np.array([BEHIND * math.cos(bearing), BEHIND * math.sin(bearing), ABOVE])
        length = float(np.linalg.norm(offset))
        hit = obstacles.cast(target, offset / length, length, 0.0)
        # With a wall at the target's back there is less room: stay on the target's side of it.
        return target + offset * (1.0 if hit is None else max(0.0, hit.distance - 0.7) / length)


class Sweep:
    """A to-and-fro turn about zero, at a constant rate."""

    def __init__(self, reach: float):
        self._reach = reach
        self._direction = 1.0
        self.offset = 0.0

    def step(self, turn: float) -> float:
        """Go on by `turn` radians; returns the signed change of the offset."""
        before = self.offset
        self.offset += self._direction * turn
        if abs(self.offset) >= self._reach:
            self.offset = math.copysign(self._reach, self.offset)
            self._direction = -math.copysign(1.0, self.offset)
        return self.offset - before
