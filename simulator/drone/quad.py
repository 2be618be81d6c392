"""Motion of the quad's body and gimbal, and obstacle avoidance. Makes no decisions; see `behaviours`.

The limits are QuadSim's: 15 m/s reached in 3 s, the body turns at up to 90 deg/s, a box cast looks 5 m ahead.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from simulator.geometry import clamp, limit_length, rotate_about_z, turn_towards, wrap_angle
from simulator.types import FloatArray, Pose
from simulator.world.obstacles import Hit, Obstacles

MAX_SPEED = 15.0  # m/s
ACCELERATION = MAX_SPEED / 3.0  # m/s^2
BRAKING = MAX_SPEED**2 / (2 * 5.0)  # m/s^2: from full speed to a stop within 5 m
BODY_RATE = math.radians(90)  # rad/s
LOOK_AHEAD = 5.0  # m
CLIMB_SPEED = 4.0  # m/s, where up is the only free direction
RADIUS = 0.4  # m, half the size of the box that is cast
CLEARANCE = 0.3  # m, kept from obstacles in addition to RADIUS
MAX_CLIMB = 3.0  # m: a broad obstacle whose top is less than this above the quad is flown over, not around
DETOUR_ANGLES = [side * math.radians(angle) for angle in range(10, 171, 10) for side in (1, -1)]  # horizontal
CAMERA_BELOW_BODY = 0.1  # m


@dataclass
class Quad:
    """State of the quad: position and velocity (m, m/s, world axes), attitude and gimbal angles (radians, world axes).

    The gimbal does not roll.
    """

    position: FloatArray
    yaw: float = 0.0
    gimbal_yaw: float = 0.0
    gimbal_pitch: float = math.radians(30)
    velocity: FloatArray = field(default_factory=lambda: np.zeros(3))
    collisions: int = 0
    touching: bool = False
    lowest: float = 0.8  # m above the ground
    detour: float = 0.0  # side on which it is passing an obstacle: +1 left, -1 right, 0 none

    @property
    def speed(self) -> float:
        """Speed in m/s."""
        return float(np.linalg.norm(self.velocity))

    @property
    def pose(self) -> Pose:
        """Pose of the body."""
        x, y, z = map(float, self.position)
        return Pose(x, y, z, 0.0, 0.0, wrap_angle(self.yaw))

    @property
    def camera(self) -> Pose:
        """Pose of the camera on the gimbal, under the body."""
        x, y, z = map(float, self.position)
        return Pose(x, y, z - CAMERA_BELOW_BODY, 0.0, self.gimbal_pitch, wrap_angle(self.gimbal_yaw))

    def fly(self, offset: FloatArray, speed: float, obstacles: Obstacles, ground: float, dt: float) -> None:
        """Move for `dt` seconds at the desired `speed`, as far as limits, obstacles and the height of the ground allow.

        `offset` leads from the quad to its goal, (3,) metres; obstacles beyond the goal are ignored.
        """
        distance = float(np.linalg.norm(offset))
        desired = offset * (min(speed, MAX_SPEED) / distance) if distance > 1e-6 else np.zeros(3)
        clear = self._brake(self._avoid(desired, distance, obstacles), obstacles)
        rate = ACCELERATION if np.linalg.norm(clear) > self.speed and clear is desired else BRAKING
        self.velocity = limit_length(self.velocity + limit_length(clear - self.velocity, rate * dt), MAX_SPEED)
        self.position = self.position + self.velocity * dt
        self._stay_outside(obstacles, ground)

    def turn_body(self, yaw: float, dt: float) -> None:
        """Turn the body towards a world yaw, at up to the body's rate."""
        self.yaw = turn_towards(self.yaw, yaw, BODY_RATE * dt)

    def point_gimbal(self, yaw: float, pitch: float, rate: float, dt: float) -> None:
        """Turn the gimbal towards world angles at up to `rate` rad/s on each axis."""
        self.gimbal_yaw = turn_towards(self.gimbal_yaw, yaw, rate * dt)
        self.gimbal_pitch += clamp(pitch - self.gimbal_pitch, rate * dt)

    def _avoid(self, desired: FloatArray, distance: float, obstacles: Obstacles) -> FloatArray:
        """Return a velocity past the obstacle ahead: over it if it is low, else turned by the smallest free angle."""
        hit = self._ahead(desired, min(distance, self._reach), obstacles)
        if hit is None:
            self.detour = 0.0
            return desired
        speed, box = float(np.linalg.norm(desired)), obstacles.boxes[hit.index]
        up = np.array([0.0, 0.0, min(speed, CLIMB_SPEED)])
        hangs = box.bottom > self.position[2] - 2.0  # a tree's crown: from above it would hide the target
        if box.top + RADIUS + CLEARANCE - self.position[2] < MAX_CLIMB and max(box.size) > 1.5 and not hangs:
            return up
        # Penalise a change of side, so that the quad does not oscillate in front of a wall.
        angles = sorted(DETOUR_ANGLES, key=lambda angle: abs(angle) + (0.5 if angle * self.detour < 0 else 0.0))
        directions = np.array([rotate_about_z(desired / speed, angle) for angle in angles])
        free = obstacles.free(self.position, directions, min(distance, LOOK_AHEAD), RADIUS + CLEARANCE)
        if not free.any():
            return up
        best = int(np.argmax(free))
        self.detour = math.copysign(1.0, angles[best])
        return directions[best] * speed

    def _brake(self, desired: FloatArray, obstacles: Obstacles) -> FloatArray:
        """Reduce a velocity so that the quad can stop in front of an obstacle that it is approaching."""
        hit = self._ahead(self.velocity, self._reach, obstacles)
        if hit is None:
            return desired
        max_inward = 0.7 * math.sqrt(2 * BRAKING * hit.distance)
        inward = -float(self.velocity @ hit.normal)
        return desired if inward <= max_inward else desired + (inward - max_inward + 2.0) * hit.normal

    @property
    def _reach(self) -> float:
        """Look-ahead distance. QuadSim casts 5 m, which is too short to stop from full speed."""
        return max(LOOK_AHEAD, 2 * self.speed**2 / (2 * BRAKING))

    def _ahead(self, velocity: FloatArray, reach: float, obstacles: Obstacles) -> Hit | None:
        """Return the first obstacle within `reach` metres along a velocity, unless the quad moves away from it."""
        speed = float(np.linalg.norm(velocity))
        if speed < 1e-6:
            return None
        hit = obstacles.cast(self.position, velocity / speed, reach, RADIUS + CLEARANCE)
        return hit if hit is not None and velocity @ hit.normal < 0 else None

    def _stay_outside(self, obstacles: Obstacles, ground: float) -> None:
        """Push the quad out of obstacles and the ground, stop its motion into them, and count each contact once."""
        touching = False
        for _ in range(3):  # a corner of two boxes needs more than one push
            push = obstacles.push_out(self.position, RADIUS)
            if push is None:
                break
            touching = True
            self.position = self.position + push
            normal = push / np.linalg.norm(push)
            self.velocity = self.velocity - min(0.0, float(self.velocity @ normal)) * normal
        if self.position[2] < ground + self.lowest:
            self.position[2] = ground + self.lowest
            self.velocity[2] = max(0.0, float(self.velocity[2]))
        self.collisions += touching and not self.touching
        self.touching = touching
