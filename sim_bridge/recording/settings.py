"""What can be set about recording. Values only; follower.toml has them as [recording]."""

import math
import re
from dataclasses import dataclass
from numbers import Real

REASONS = ("far", "uncertain", "moments")
_RUN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?<!\.)")  # a folder's name on every system


@dataclass(frozen=True)
class RecordingSettings:
    """What is recorded, and where to. Raises ValueError that names the setting, what was expected and what came."""

    enabled: bool = False  # record from the start; otherwise wait for the key "r"
    name: str = ""  # of the run; empty: date and time
    folder: str = "recordings"
    every: int = 1  # of the frames that are wanted, each n-th
    only: tuple[str, ...] = ()  # nothing but frames for one of these reasons: far, uncertain, moments; empty: all
    far_pixels: int = 50  # far: the hero has fewer pixels than this (but some), in an image of 256x256
    far_metres: float = 30.0  # ... or is farther away than this
    uncertain_below: float = 0.8  # uncertain: seen with less confidence, or unseen with more doubt than 1 minus this
    frames_around: int = 10  # moments: so many frames before and after the hero is found or lost
    max_gigabytes: float = 10.0  # a recording ends when it has grown to this
    min_free_gigabytes: float = 1.0  # ... or when the disk has no more than this left
    queue_frames: int = 64  # so many may wait for the disk; what comes beyond is left out of the recording

    def __post_init__(self) -> None:
        if isinstance(self.only, list):
            object.__setattr__(self, "only", tuple(self.only))
        self._check("enabled", isinstance(self.enabled, bool), "true or false")
        self._check("name", self.name == "" or is_run_name(self.name), "letters, digits, '_', '-' and '.', or nothing")
        self._check("folder", isinstance(self.folder, str) and self.folder, "a folder")
        self._check("every", _whole(self.every, 1), "a whole number, 1 or more")
        known = isinstance(self.only, tuple) and all(reason in REASONS for reason in self.only)
        self._check("only", known, f"a list of {', '.join(REASONS)}")
        self._check("far_pixels", _whole(self.far_pixels, 1), "a whole number of pixels, 1 or more")
        self._check("far_metres", _finite(self.far_metres) and self.far_metres > 0, "a positive number of metres")
        certain = _finite(self.uncertain_below) and 0.5 <= self.uncertain_below <= 1
        self._check("uncertain_below", certain, "a number from 0.5 to 1")
        self._check("frames_around", _whole(self.frames_around, 0), "a whole number of frames, 0 or more")
        self._check("max_gigabytes", _finite(self.max_gigabytes) and self.max_gigabytes > 0, "a positive number")
        free = _finite(self.min_free_gigabytes) and self.min_free_gigabytes >= 0
        self._check("min_free_gigabytes", free, "a number, 0 or more")
        self._check("queue_frames", _whole(self.queue_frames, 1), "a whole number of frames, 1 or more")

    def _check(self, name: str, valid: object, expected: str) -> None:
        if not valid:
            raise ValueError(f"{name}: expected {expected}, got {getattr(self, name)!r}")


def is_run_name(name: object) -> bool:
    """Whether a run's folder can be called this on every system."""
    return isinstance(name, str) and _RUN_NAME.fullmatch(name) is not None


def _whole(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _finite(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
