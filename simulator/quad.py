"""The quad's body and gimbal: what they can do in one time step, and how they keep clear of obstacles. Decides nothing.

The limits are QuadSim's: 15 m/s reached in 3 s, the body turns at up to 90 deg/s, a box cast looks 5 m ahead.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from simulator.contract import CameraPose
from simulator.obstacles import Hit, Obstacles

MAX_SPEED = 15.0  # m/s
ACCELERATION = MAX_SPEED / 3.0  # m/s^2
BRAKING = MAX_SPEED**2 / (2 * 5.0)  # m/s^2: from full speed to a stop within 5 m
BODY_RATE = math.radians(90)  # rad/s
LOOK_AHEAD = 5.0  # m
RADIUS = 0.4  # m, half the size of the box that is cast
CLEARANCE = 0.3  # m kept from walls on top of that
LOWEST = 0.8  # m above the ground
CLIMBABLE = 3.0  # m: a broad obstacle whose top is at most this far above is flown over, not around
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

    def fly(self, velocity: np.ndarray, obstacles: Obstacles, ground: float, dt: float) -> None:
        """Move for `dt` seconds at the wanted velocity, (3,) m/s, as far as limits and obstacles allow."""
        wanted = limit(velocity, MAX_SPEED)
        clear = self._brake(self._avoid(wanted, obstacles), obstacles)
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

    def _avoid(self, wanted: np.ndarray, obstacles: Obstacles) -> np.ndarray:
        """Blend a velocity away from what lies ahead: the nearer the obstacle, the more it follows its face."""
        speed = float(np.linalg.norm(wanted))
        hit = self._ahead(wanted, obstacles)
        if hit is None:
            self.detour = 0.0
            return wanted
        closeness = max(0.0, 1.0 - hit.distance / LOOK_AHEAD)
        along = self._along_face(wanted, hit, obstacles)
        return limit(wanted * (1 - closeness) + (along + 0.3 * hit.normal) * speed * closeness, speed)

    def _brake(self, wanted: np.ndarray, obstacles: Obstacles) -> np.ndarray:
        """Take from a velocity what would not let the quad, moving as it does, stop in front of a wall."""
        hit = self._ahead(self.velocity, obstacles)
        if hit is None:
            return wanted
        bearable = 0.7 * math.sqrt(2 * BRAKING * hit.distance)
        inward = -float(self.velocity @ hit.normal)
        return wanted if inward <= bearable else wanted + (inward - bearable + 2.0) * hit.normal

    def _ahead(self, velocity: np.ndarray, obstacles: Obstacles) -> Hit | None:
        """What is hit first in a direction, and is not being left behind. QuadSim casts 5 m; this looks as far as it
        takes to stop, when that is more.
        """
        speed = float(np.linalg.norm(velocity))
        if speed < 1e-6:
            return None
        reach = max(LOOK_AHEAD, 2.0 * speed**2 / (2 * BRAKING))
        hit = obstacles.cast(self.position, velocity / speed, reach, RADIUS + CLEARANCE)
        return hit if hit is not None and velocity @ hit.normal < 0 else None

    def _along_face(self, wanted: np.ndarray, hit: Hit, obstacles: Obstacles) -> np.ndarray:
        """Unit direction past an obstacle: over it if it is low, else to one side and no other until past it."""
        if abs(hit.normal[2]) > 0.5:  # a roof or a tree's crown from above or below: keep the level part
            level = np.array([wanted[0], wanted[1], 0.0])
            return level / max(float(np.linalg.norm(level)), 1e-6)
        box = obstacles.boxes[hit.index]
        hangs = box.bottom > self.position[2] - 2.0  # as a tree's crown does: from above it would hide what is below
        if box.top + RADIUS + CLEARANCE - self.position[2] < CLIMBABLE and max(box.size) > 1.5 and not hangs:
            return np.array([0.0, 0.0, 1.0])
        left = np.array([-hit.normal[1], hit.normal[0], 0.0])
        if self.detour == 0.0:
            offset = left[:2] @ (self.position[:2] - np.array(box.center))
            sideways = wanted @ left
            # Head on, the nearer corner decides; aslant, the way one is going.
            self.detour = 1.0 if (sideways if abs(sideways) > 0.2 * np.linalg.norm(wanted) else offset) >= 0 else -1.0
        return left * self.detour

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


def limit(vector: np.ndarray, length: float) -> np.ndarray:
    """`vector`, no longer than `length`; the same object when it is short enough."""
    norm = float(np.linalg.norm(vector))
    return vector if norm <= length else vector * (length / norm)
