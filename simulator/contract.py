"""The contract inside the stand-in: what moves (world, people, quad) and what draws (rendering) meet here.

Plain data only. World axes as QuadSim sends them: x forward, y left, z up, metres; angles in radians,
pitch positive looks down; R = Rz(yaw) Ry(pitch) Rx(roll); a camera looks along its own +x.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class CameraPose:
    """Where the camera is (metres) and how it is turned (radians)."""

    x: float
    y: float
    z: float
    roll: float
    pitch: float
    yaw: float


@dataclass(frozen=True)
class Box:
    """An upright box that blocks the way and the view: a building, a tree's trunk and crown, a hedge, a rock."""

    center: tuple[float, float]  # x, y
    size: tuple[float, float]  # along the box's own x and y
    bottom: float  # z
    top: float  # z
    yaw: float
    kind: str  # "building" | "tree" | "hedge" | "rock" | ...


@dataclass(frozen=True)
class Person:
    """One person at one moment."""

    id: int
    is_hero: bool
    x: float
    y: float
    z: float  # of the feet
    heading: float  # yaw, radians
    gait: float  # phase of the walk cycle, radians; two steps a turn of 2 pi
    speed: float  # metres a second; 0 stands still
    appearance_seed: int  # build, skin, hair and clothes follow from it (the hero's are fixed)


@dataclass(frozen=True)
class Marker:
    """A translucent box that the agent asked for."""

    id: int
    x: float
    y: float
    z: float
    yaw: float
    dimensions: tuple[float, float, float]
    color: tuple[float, float, float, float]


@dataclass(frozen=True)
class Rendered:
    """One view: what QuadSim would send, and the truth."""

    rgb: np.ndarray  # (256, 256, 3) uint8
    depth: np.ndarray  # (256, 256) uint8: planar depth / far * 255, 255 = far or beyond
    mask: np.ndarray  # (256, 256, 3) uint8, 0 or 255: R background, G people, B hero


class Renderer(Protocol):
    """Draws the world. Made once for a city; the same calls give the same pixels."""

    def render(self, camera: CameraPose, people: Sequence[Person], markers: Sequence[Marker] = ()) -> Rendered:
        """Colour, depth and class mask of one view; markers appear in the colour only."""
        ...
