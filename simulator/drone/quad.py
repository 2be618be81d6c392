"""The quad's body and gimbal: what they can do in one time step, and how they keep clear of obstacles. Decides nothing.

The limits are QuadSim's: 15 m/s reached in 3 s, the body turns at up to 90 deg/s, a box cast looks 5 m ahead.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from simulator.contract import CameraPose
from simulator.world.obstacles import Hit, Obstacles

MAX_SPEED = 15.0  # m/s
ACCELERATION = MAX_SPEED / 3.0  # m/s^2
BRAKING = MAX_SPEED**2 / (2 * 5.0)  # m/s^2: from full speed to a stop within 5 m
BODY_RATE = math.radians(90)  # rad/s
LOOK_AHEAD = 5.0  # m
CLIMB = 4.0  # m/s, where up is the only way
RADIUS = 0.4  # m, half the size of the box that is cast
CLEARANCE = 0.3  # m kept from walls on top of that
LOWEST = 0.8  # m above the ground
CLIMBABLE = 3.0  # m: a broad obstacle whose top is at most this far above is flown over, not around
DETOURS = [side * math.radians(angle) for angle in range(10, 171, 10) for side in (1, -1)]  # to try, on the level
CAMERA_BELOW_BODY = 0.1  # m


@dataclass
class Quad:
    """Position, velocity (m, m/s, world axes) and attitude (radians). The gimbal's are world angles, without roll."""

    position: np.ndarray
    yaw: float = 0.0
    gimbal_yaw: float = 0.0
    gimbal_pitch: float = math.radians(30)
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(3))
    collisions: int = 0
    touching: bool = False
    detour: float = 0.0  # +1 or -1 while it goes round an obstacle to that side, else 0

    @property
    def speed(self) -> float:
        """Metres a second."""
        return float(np.linalg.norm(self.velocity))

    @property
    def pose(self) -> CameraPose:
        """The body."""
        return CameraPose(*map(float, self.position), 0.0, 0.0, wrap(self.yaw))

    @property
    def camera(self) -> CameraPose:
        """The camera on the gimbal, under the body."""
        x, y, z = map(float, self.position)
        return CameraPose(x, y, z - CAMERA_BELOW_BODY, 0.0, self.gimbal_pitch, wrap(self.gimbal_yaw))

    def fly(self, way: np.ndarray, speed: float, obstacles: Obstacles, ground: float, dt: float) -> None:
        """Move for `dt` seconds along `way` at `speed` m/s, as far as limits and obstacles allow.

        Args:
            way: (3,) metres from here to where it wants to be; what lies beyond is not in the way.
            speed: wanted, metres a second.
            obstacles: what to keep clear of.
            ground: height of the ground below, metres.
            dt: seconds.
        """
        distance = float(np.linalg.norm(way))
        wanted = way * (min(speed, MAX_SPEED) / distance) if distance > 1e-6 else np.zeros(3)
        clear = self._brake(self._avoid(wanted, distance, obstacles), obstacles)
        rate = ACCELERATION if np.linalg.norm(clear) > self.speed and clear is wanted else BRAKING
        self.velocity = limit(self.velocity + limit(clear - self.velocity, rate * dt), MAX_SPEED)
        self.position = self.position + self.velocity * dt
        self._stay_outside(obstacles, ground)

    def turn_body(self, yaw: float, dt: float) -> None:
        """Turn the body towards a world yaw, at the body's rate."""
        self.yaw = turn_towards(self.yaw, yaw, BODY_RATE * dt)

    def point_gimbal(self, yaw: float, pitch: float, rate: float, dt: float) -> None:
        """Turn the gimbal towards world angles at up to `rate` rad/s on each axis."""
        self.gimbal_yaw = turn_towards(self.gimbal_yaw, yaw, rate * dt)
        self.gimbal_pitch += clamp(pitch - self.gimbal_pitch, rate * dt)

    def _avoid(self, wanted: np.ndarray, distance: float, obstacles: Obstacles) -> np.ndarray:
        """Turn a velocity aside from what is ahead: over what is low, else by the smallest angle that leads past it."""
        hit = self._ahead(wanted, min(distance, self._reach), obstacles)
        if hit is None:
            self.detour = 0.0
            return wanted
        speed, box = float(np.linalg.norm(wanted)), obstacles.boxes[hit.index]
        up = np.array([0.0, 0.0, min(speed, CLIMB)])
        hangs = box.bottom > self.position[2] - 2.0  # as a tree's crown does: from above it would hide what is below
        if box.top + RADIUS + CLEARANCE - self.position[2] < CLIMBABLE and max(box.size) > 1.5 and not hangs:
            return up
        # The same angle counts for more on the other side: it must not waver before a wall.
        angles = sorted(DETOURS, key=lambda angle: abs(angle) + (0.5 if angle * self.detour < 0 else 0.0))
        ways = np.array([rotated(wanted / speed, angle) for angle in angles])
        free = obstacles.free(self.position, ways, min(distance, LOOK_AHEAD), RADIUS + CLEARANCE)
        if not free.any():
            return up
        best = int(np.argmax(free))
        self.detour = math.copysign(1.0, angles[best])
        return ways[best] * speed

    def _brake(self, wanted: np.ndarray, obstacles: Obstacles) -> np.ndarray:
        """Take from a velocity what would not let the quad, moving as it does, stop in front of a wall."""
        hit = self._ahead(self.velocity, self._reach, obstacles)
        if hit is None:
            return wanted
        bearable = 0.7 * math.sqrt(2 * BRAKING * hit.distance)
        inward = -float(self.velocity @ hit.normal)
        return wanted if inward <= bearable else wanted + (inward - bearable + 2.0) * hit.normal

    @property
    def _reach(self) -> float:
        """How far to look. QuadSim casts 5 m, which is too late to stop in at full speed."""
        return max(LOOK_AHEAD, 2 * self.speed**2 / (2 * BRAKING))

    def _ahead(self, velocity: np.ndarray, reach: float, obstacles: Obstacles) -> Hit | None:
        """What is hit first in the direction of a velocity within `reach` metres, and is not being left behind."""
        speed = float(np.linalg.norm(velocity))
        if speed < 1e-6:
            return None
        hit = obstacles.cast(self.position, velocity / speed, reach, RADIUS + CLEARANCE)
        return hit if hit is not None and velocity @ hit.normal < 0 else None

    def _stay_outside(self, obstacles: Obstacles, ground: float) -> None:
        """Nothing flies through walls or the ground: push out, stop the motion into it, and count each touch once."""
        touching = False
        for _ in range(3):  # a corner of two boxes needs more than one push
            push = obstacles.push_out(self.position, RADIUS)
            if push is None:
                break
            touching = True
            self.position = self.position + push
            normal = push / np.linalg.norm(push)
            self.velocity = self.velocity - min(0.0, float(self.velocity @ normal)) * normal
        if self.position[2] < ground + LOWEST:
            self.position[2] = ground + LOWEST
            self.velocity[2] = max(0.0, float(self.velocity[2]))
        self.collisions += touching and not self.touching
        self.touching = touching


def wrap(angle: float) -> float:
    """The same angle in [-pi, pi)."""
    return (angle + math.pi) % (2 * math.pi) - math.pi


def clamp(value: float, size: float) -> float:
    """`value`, no further from zero than `size`."""
    return max(-size, min(size, value))


def turn_towards(angle: float, goal: float, step: float) -> float:
    """`angle` turned by at most `step` towards `goal`, the short way round; radians."""
    return wrap(angle + clamp(wrap(goal - angle), step))


def rotated(vector: np.ndarray, angle: float) -> np.ndarray:
    """(3,) turned about the vertical, radians to the left."""
    cos, sin = math.cos(angle), math.sin(angle)
    return np.array([cos * vector[0] - sin * vector[1], sin * vector[0] + cos * vector[1], vector[2]])


def limit(vector: np.ndarray, length: float) -> np.ndarray:
    """`vector`, no longer than `length`; the same object when it is short enough."""
    norm = float(np.linalg.norm(vector))
    return vector if norm <= length else vector * (length / norm)
