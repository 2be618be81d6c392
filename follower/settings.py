"""What can be tuned about the agent. Values only: reading them from a file is the bridge's business."""

import math
from dataclasses import dataclass
from numbers import Real
from typing import Literal

# The areas in the settings are pixels of an image of this size, the one that QuadSim sends.
REFERENCE_PIXELS = 256 * 256


@dataclass(frozen=True)
class AgentSettings:
    """Settings of `FollowAgent`, checked when made.

    Lists (as TOML has them) are taken for the tuples. Raises ValueError that names the setting, what was expected and
    what came.
    """

    threshold: float = 0.5  # hero probability above which a pixel is the hero's, 0..1
    min_area: float = 6.0  # smallest blob that counts as the hero, pixels of a 256x256 image
    lost_after: int = 6  # this many frames in a row without the hero: lost
    reacquire_after: int = 3  # someone else must be seen in this many frames before being taken for the hero instead
    depth_far: float | Literal["auto"] = 100.0  # metres that a depth of 255 stands for: 500, 100 or 50 by build; "auto"
    # tells from flat ground at height 0, and takes 100 until it has seen some
    vertical_fov: float = 60.0  # vertical field of view of the camera, degrees
    hero_height: float = 1.6  # metres; measured in QuadSim's own recordings (1.5-1.6)
    marker: bool = True  # draw a box around the hero in the simulator
    marker_dimensions: tuple[float, float, float] = (0.7, 0.7, 2.0)  # metres along the world's axes
    marker_color: tuple[float, float, float, float] = (0.0, 0.0, 1.0, 0.1)  # r, g, b, a; faint: the network sees it too
    marker_duration: float = 2.0  # seconds until an unrefreshed box goes away by itself; -1: never

    def __post_init__(self) -> None:
        self._check("threshold", 0 < _number(self.threshold) < 1, "a number between 0 and 1")
        self._check("min_area", _number(self.min_area) > 0, "a positive number of pixels")
        self._check("lost_after", _count(self.lost_after), "a whole number of frames, 1 or more")
        self._check("reacquire_after", _count(self.reacquire_after), "a whole number of frames, 1 or more")
        far_is_known = self.depth_far == "auto" or _number(self.depth_far) > 0
        self._check("depth_far", far_is_known, 'a positive number of metres (500, 100 or 50) or "auto"')
        self._check("vertical_fov", 1 <= _number(self.vertical_fov) <= 170, "degrees between 1 and 170")
        self._check("hero_height", 0.2 <= _number(self.hero_height) <= 10, "metres between 0.2 and 10")
        self._check("marker", isinstance(self.marker, bool), "true or false")
        for name in ("marker_dimensions", "marker_color"):
            value = getattr(self, name)
            if isinstance(value, list):
                object.__setattr__(self, name, tuple(value))
        sizes = _numbers(self.marker_dimensions, 3)
        self._check("marker_dimensions", bool(sizes) and min(sizes) > 0, "three positive numbers of metres")
        color = _numbers(self.marker_color, 4)
        self._check("marker_color", bool(color) and 0 <= min(color) <= max(color) <= 1, "four numbers from 0 to 1")
        duration = _number(self.marker_duration)
        self._check("marker_duration", duration > 0 or duration == -1, "a positive number of seconds, or -1 for ever")

    def _check(self, name: str, valid: bool, expected: str) -> None:
        if not valid:
            raise ValueError(f"{name}: expected {expected}, got {getattr(self, name)!r}")


def _number(value: object) -> float:
    """The value as a float, NaN (which passes no comparison) when it is not a finite number."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return math.nan
    try:
        number = float(value)
    except OverflowError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _numbers(value: object, count: int) -> list[float]:
    """The values as finite floats, or nothing when they are not exactly `count` of them."""
    if not isinstance(value, tuple) or len(value) != count:
        return []
    numbers = [_number(item) for item in value]
    return [] if any(math.isnan(number) for number in numbers) else numbers


def _count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1
