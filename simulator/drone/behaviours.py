"""Behaviours of the quad: patrol the city, or follow or look at the positions that the agent reports. No ground truth.

The numbers are QuadSim's, except where a comment says otherwise.
"""

import math
from collections.abc import Sequence

import numpy as np

from simulator.drone.quad import MAX_SPEED, Quad
from simulator.geometry import MAX_EXTRAPOLATION, extrapolate, limit_length, turn_towards, wrap_angle
from simulator.rules import Rules
from simulator.types import FloatArray, Point
from simulator.world.obstacles import Obstacles

SWEEP_RATE = math.radians(35)  # rad/s
PATROL_PITCH = math.radians(30)
PATROL_SLOW_WITHIN = 5.0  # m
ARRIVAL_RADIUS = 0.5  # m
WAIT_SECONDS = 5.0  # at each patrol point

BEHIND = 2.0  # m, horizontal distance kept to the target
ABOVE = 2.0  # m above the reported centre, which is 1 m above the feet
FOLLOW_SLOW_WITHIN = 10.0  # m
# Not from QuadSim, which has the true position of the target at every moment; this quad has only the reports.
TRACKING_RATE = math.radians(120)  # rad/s, of the gimbal
ORBIT_LEAD = math.radians(40)  # how far ahead on the circle the quad aims on its way to behind the target
VELOCITY_TIME_CONSTANT = 1.0  # s, of the smoothed velocity of the target
MAX_TARGET_SPEED = 3.0  # m/s
MIN_WALKING_SPEED = 0.5  # m/s: below it the direction of motion is not reliable
SEARCH_SWEEP = math.radians(60)  # to each side of the last reported position
REPORT_TIMEOUT = 10.0  # s
LOOK_FROM = 6.0  # m, horizontal distance to a place where the target is searched
LOOK_ABOVE = 5.0  # m above that place: over vans, kiosks and people


class Patrol:
    """Turn round once, then visit the patrol points in turn while the gimbal sweeps."""

    def __init__(self, points: Sequence[Sequence[float]], rules: Rules):
        self._points, self._rules = np.array(points, dtype=float).reshape(-1, 3), rules
        self._remaining_turn = 2 * math.pi
        self._sweep = Sweep(math.pi)
        self._next: int | None = None
        self._waited = 0.0

    def step(self, quad: Quad, obstacles: Obstacles, ground: float, time: float, dt: float) -> None:
        """Fly `dt` seconds of the patrol."""
        looking_round = self._remaining_turn > 0
        if not (looking_round and self._rules.keep_pitch):
            quad.point_gimbal(quad.gimbal_yaw, PATROL_PITCH, SWEEP_RATE, dt)
        if looking_round:
            turn = min(SWEEP_RATE * dt, self._remaining_turn)
            self._remaining_turn -= turn
            quad.gimbal_yaw = wrap_angle(quad.gimbal_yaw + turn)
            quad.fly(np.zeros(3), 0.0, obstacles, ground, dt)
            return
        quad.gimbal_yaw = wrap_angle(quad.gimbal_yaw + self._sweep.step(SWEEP_RATE * dt))
        offset = self._offset_to_next(quad, dt)
        nearness = min(1.0, float(np.linalg.norm(offset)) / PATROL_SLOW_WITHIN)
        speed = MAX_SPEED * (nearness if self._rules.linear_slow_down else math.sqrt(nearness))
        quad.fly(offset, speed, obstacles, ground, dt)

    def _offset_to_next(self, quad: Quad, dt: float) -> FloatArray:
        """Return the offset to the next patrol point, (3,) metres; zero while waiting at one."""
        if self._next is None:
            self._next = int(np.argmin(np.linalg.norm(self._points - quad.position, axis=1)))
        offset: FloatArray = self._points[self._next] - quad.position
        distance = float(np.linalg.norm(offset))
        if distance > PATROL_SLOW_WITHIN:
            self._waited = 0.0  # it was sent elsewhere while it waited
        if distance < ARRIVAL_RADIUS or self._waited > 0:
            self._waited += dt
            if self._waited >= WAIT_SECONDS:
                self._waited = 0.0
                self._next = (self._next + 1) % len(self._points)
            return np.zeros(3)
        if math.hypot(offset[0], offset[1]) > ARRIVAL_RADIUS:
            quad.turn_body(math.atan2(offset[1], offset[0]), dt)
        return offset


class Follow:
    """Keep behind and above the target, whose centre (x, y, z) in metres is known from reports only."""

    def __init__(self, position: Sequence[float] | FloatArray, time: float) -> None:
        self._position, self._time = np.array(position, dtype=float), time  # of the last report
        self._velocity = np.zeros(3)
        self._sweep = Sweep(SEARCH_SWEEP)

    def report(self, position: Sequence[float] | FloatArray, time: float) -> None:
        """Update the target's centre, as reported at `time` seconds."""
        point = np.array(position, dtype=float)
        elapsed = time - self._time
        if 0 < elapsed <= MAX_EXTRAPOLATION:
            measured = limit_length((point - self._position) / elapsed, MAX_TARGET_SPEED)
            gain = 1 - math.exp(-elapsed / VELOCITY_TIME_CONSTANT)
            self._velocity = self._velocity + gain * (measured - self._velocity)
        elif elapsed > MAX_EXTRAPOLATION:
            self._velocity = np.zeros(3)
        self._position, self._time = point, time
        self._sweep = Sweep(SEARCH_SWEEP)

    @property
    def reported(self) -> Point:
        """Position of the last report, metres."""
        x, y, z = map(float, self._position)
        return (x, y, z)

    def predicted_position(self, time: float) -> FloatArray:
        """Return the position expected at `time`, (3,) metres: the last report, extrapolated for a moment."""
        return np.array(extrapolate(self._position.tolist(), self._velocity.tolist(), time - self._time))

    def searching(self, time: float) -> bool:
        """Return whether the last report is too old to be extrapolated."""
        return time - self._time > MAX_EXTRAPOLATION

    def timed_out(self, time: float) -> bool:
        """Return whether the last report is so old that the quad should return to patrol."""
        return time - self._time > REPORT_TIMEOUT

    def step(self, quad: Quad, obstacles: Obstacles, ground: float, time: float, dt: float) -> None:
        """Fly `dt` seconds behind the target, or search around its last position."""
        target = self.predicted_position(time)
        offset = target - quad.position
        level = math.hypot(offset[0], offset[1])
        yaw, pitch = math.atan2(offset[1], offset[0]), math.atan2(-(offset[2] + 0.1), level)
        quad.turn_body(yaw, dt)
        gimbal_yaw = yaw
        if self.searching(time):
            gimbal_yaw, pitch = yaw + self._sweep.offset, min(pitch, PATROL_PITCH)
            self._sweep.step(SWEEP_RATE * dt)
        quad.point_gimbal(gimbal_yaw, pitch, TRACKING_RATE, dt)
        _fly_to(self._goal(target, wrap_angle(yaw + math.pi), obstacles), quad, obstacles, ground, dt)

    def _goal(self, target: FloatArray, here: float, obstacles: Obstacles) -> FloatArray:
        """Return the point to fly to, (3,) metres. `here` is the bearing of the quad as seen from the target."""
        bearing = here
        if math.hypot(self._velocity[0], self._velocity[1]) > MIN_WALKING_SPEED:
            behind = math.atan2(-self._velocity[1], -self._velocity[0])
            # The straight line would lead over the target's head: go round it instead.
            bearing = turn_towards(here, behind, ORBIT_LEAD)
        offset = np.array([BEHIND * math.cos(bearing), BEHIND * math.sin(bearing), ABOVE])
        length = float(np.linalg.norm(offset))
        hit = obstacles.cast(target, offset / length, length, 0.0)
        # With a wall behind the target, stay on the target's side of it.
        return target + offset * (1.0 if hit is None else max(0.0, hit.distance - 0.7) / length)


class Search:
    """Look at a place where the target may be, as the agent reports, from some distance and height."""

    def __init__(self, place: FloatArray, time: float, patrol: Patrol | None) -> None:
        """Look at one place, (3,) metres, as requested at `time` seconds; then go on with `patrol`, or begin one."""
        self.patrol, self._place, self._time = patrol, place, time

    def timed_out(self, time: float) -> bool:
        """Return whether the last request is so old that the quad should return to patrol."""
        return time - self._time > REPORT_TIMEOUT

    def step(self, quad: Quad, obstacles: Obstacles, ground: float, time: float, dt: float) -> None:
        """Fly `dt` seconds of the search."""
        offset = self._place - quad.position
        level = math.hypot(offset[0], offset[1])
        yaw, pitch = math.atan2(offset[1], offset[0]), math.atan2(-offset[2], level)
        quad.turn_body(yaw, dt)
        quad.point_gimbal(yaw, pitch, TRACKING_RATE, dt)
        away = -offset[:2] / max(level, 1e-6)
        _fly_to(self._place + np.array([*(LOOK_FROM * away), LOOK_ABOVE]), quad, obstacles, ground, dt)


def _fly_to(goal: FloatArray, quad: Quad, obstacles: Obstacles, ground: float, dt: float) -> None:
    """Fly `dt` seconds towards a point, (3,) metres, more slowly near it."""
    offset = goal - quad.position
    speed = MAX_SPEED * min(1.0, float(np.linalg.norm(offset)) / FOLLOW_SLOW_WITHIN)
    quad.fly(offset, speed, obstacles, ground, dt)


class Sweep:
    """Oscillation about zero at a constant rate."""

    def __init__(self, reach: float):
        self._reach = reach
        self._direction = 1.0
        self.offset = 0.0

    def step(self, turn: float) -> float:
        """Advance by `turn` radians; return the signed change of the offset."""
        before = self.offset
        self.offset += self._direction * turn
        if abs(self.offset) >= self._reach:
            self.offset = math.copysign(self._reach, self.offset)
            self._direction = -math.copysign(1.0, self.offset)
        return self.offset - before
