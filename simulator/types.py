"""Plain data that the parts of the simulator share.

World axes as in QuadSim: x forward, y left, z up, metres. Angles in radians; positive pitch looks down;
R = Rz(yaw) Ry(pitch) Rx(roll); a camera looks along its own +x.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
Image = NDArray[np.uint8]  # (height, width) or (height, width, channels)
Point = tuple[float, float, float]  # x, y, z in metres

CENTRE_HEIGHT = 1.0  # m from the feet to the centre of a person


@dataclass(frozen=True)
class Pose:
    """Position (metres) and attitude (radians) of the quad or of its camera."""

    x: float
    y: float
    z: float
    roll: float
    pitch: float
    yaw: float

    @property
    def position(self) -> Point:
        """The position without the attitude."""
        return (self.x, self.y, self.z)


@dataclass(frozen=True)
class Box:
    """Upright box that blocks movement and view."""

    center: tuple[float, float]  # x, y
    size: tuple[float, float]  # along the box's own x and y
    bottom: float  # z
    top: float  # z
    yaw: float
    kind: str  # "building", "trunk", "crown", "hedge", "rock", ...

    @property
    def middle(self) -> Point:
        """Centre in space."""
        return (*self.center, (self.bottom + self.top) / 2)

    @property
    def half_axes(self) -> Point:
        """Half the lengths along the box's own axes."""
        return (self.size[0] / 2, self.size[1] / 2, (self.top - self.bottom) / 2)

    def outline(self, grow: float = 0.0) -> FloatArray:
        """Return the corners seen from above, (4, 2), counter-clockwise, each side moved out by `grow` metres."""
        cos, sin = np.cos(self.yaw), np.sin(self.yaw)
        corners: FloatArray = np.array([(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)])
        turned: FloatArray = (corners * (np.array(self.size) / 2 + grow)) @ np.array([[cos, sin], [-sin, cos]])
        return turned + self.center


@dataclass(frozen=True)
class Person:
    """One person at one moment."""

    id: int
    is_target: bool
    x: float
    y: float
    z: float  # of the feet
    heading: float  # yaw, radians
    gait: float  # phase of the walk cycle, radians; 2 pi are two steps
    speed: float  # m/s; 0: standing still
    appearance_seed: int  # determines build, skin, hair and clothes; the target's are fixed
    look_alike: bool = False  # has something of the target's appearance


@dataclass(frozen=True)
class Marker:
    """Translucent box that the agent placed; shown in the window, not in the drone's pictures."""

    id: int
    x: float
    y: float
    z: float
    yaw: float
    dimensions: tuple[float, float, float]
    color: tuple[float, float, float, float]


@dataclass(frozen=True)
class Rendered:
    """One camera view: the images that QuadSim sends, and the ground truth."""

    rgb: Image  # (256, 256, 3)
    depth: Image  # (256, 256): planar depth / far * 255; 255 = far or beyond
    mask: Image  # (256, 256, 3), 0 or 255: R background, G people, B hero (the target's class)


class QuadState(Enum):
    """Behaviour of the quad."""

    PATROL = "patrol"
    FOLLOW = "follow"
    SEARCH = "search"


@dataclass(frozen=True)
class Observation:
    """State of the simulation at one moment: camera images and ground truth."""

    time: float  # seconds since the start of the episode
    state: QuadState
    pose: Pose  # of the body
    gimbal_pose: Pose  # of the camera that took the images
    rendered: Rendered | None  # None without a renderer
    # A slideshow leaves the rest at the defaults.
    people: tuple[Person, ...] = ()  # the target first
    markers: tuple[Marker, ...] = ()
    target_visible: bool = False  # pixels in the mask; without a renderer: in the field of view and in line of sight
    reported: Point | None = None  # latest position reported by the agent; None on patrol
    collisions: int = 0  # of the quad, so far

    @property
    def target(self) -> Person | None:
        """Person to follow; None in a slideshow."""
        return self.people[0] if self.people else None

    @property
    def target_centre(self) -> Point:
        """Centre of the target, metres: the report of a perfect agent. A slideshow has none."""
        target = self.people[0]
        return (target.x, target.y, target.z + CENTRE_HEIGHT)

    @property
    def target_distance(self) -> float:
        """Metres from the quad to the centre of the target."""
        return float(np.linalg.norm(np.subtract(self.target_centre, self.pose.position)))

    @property
    def target_pixels(self) -> int:
        """Number of visible pixels of the target."""
        return 0 if self.rendered is None else int(np.count_nonzero(self.rendered.mask[..., 2]))

    def nearest_person(self, point: Point) -> Person:
        """Return the person nearest to `point` (metres), measured horizontally."""
        return min(self.people, key=lambda person: np.hypot(person.x - point[0], person.y - point[1]))
