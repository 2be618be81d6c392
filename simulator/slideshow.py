"""A folder of pictures, shown as a hovering quad would see them: for demonstrations on real images. Flies nowhere."""

import logging
import math
from pathlib import Path

import cv2
import numpy as np

from simulator.contract import CameraPose, Marker, Rendered
from simulator.episode import Observation, QuadState

log = logging.getLogger(__name__)

SIZE = 256  # pixels
HEIGHT = 8.0  # m above a flat ground
PITCH = math.radians(30)
FAR = 100.0  # m
SUFFIXES = (".jpeg", ".jpg", ".png")


class SlideshowError(ValueError):
    """There is nothing to show."""


class Slideshow:
    """Stands in for an `Episode`: one picture a frame, in order of path, with the depth of a flat ground.

    Args:
        folder: of JPEG or PNG files, or with folders `images` of them somewhere inside.
        hz: frames a second.
    """

    def __init__(self, folder: Path, hz: float):
        self._files = find_pictures(folder)
        self._period, self.time = 1.0 / hz, 0.0
        self._following = False
        self._reported: tuple[float, float, float] | None = None
        self._depth = flat_ground_depth()
        self._shown = np.zeros((SIZE, SIZE, 3), np.uint8)

    @property
    def duration(self) -> float:
        """Seconds until the last picture was shown."""
        return len(self._files) * self._period

    def observe(self) -> Observation:
        """The picture of this moment; the last good one in place of one that cannot be read."""
        file = self._files[min(round(self.time / self._period), len(self._files) - 1)]
        picture = cv2.imdecode(np.fromfile(file, np.uint8), cv2.IMREAD_COLOR) if file.stat().st_size else None
        if picture is None:
            log.warning("skipped %s: not a picture that OpenCV can read", file)
        else:
            picture = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
            same = picture.shape[:2] == (SIZE, SIZE)
            self._shown = picture if same else cv2.resize(picture, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
        pose = CameraPose(0.0, 0.0, HEIGHT, 0.0, 0.0, 0.0)
        return Observation(
            time=self.time,
            state=QuadState.FOLLOW if self._following else QuadState.PATROL,
            pose=pose,
            gimbal_pose=CameraPose(0.0, 0.0, HEIGHT, 0.0, PITCH, 0.0),
            rendered=Rendered(self._shown, self._depth, np.zeros((SIZE, SIZE, 3), np.uint8)),
            people=(),
            markers=(),
            hero_visible=False,
            reported=self._reported,
            collisions=0,
        )

    def step(self, seconds: float) -> None:
        """Let time pass."""
        self.time += seconds

    def detected(self, coords: tuple[float, float, float]) -> None:
        """Remember what the agent said."""
        self._following, self._reported = True, coords

    def lost(self) -> None:
        """Remember that the agent lost it."""
        self._following, self._reported = False, None

    def place_marker(self, marker: Marker, duration: float) -> None:
        """Markers are not drawn into photographs."""

    def delete_marker(self, id: int) -> None:
        """Markers are not drawn into photographs."""


def find_pictures(folder: Path) -> list[Path]:
    """Those of the folder itself, else those of all folders `images` inside it, in order. Raises SlideshowError."""
    if not folder.is_dir():
        raise SlideshowError(f"expected a folder of pictures, {folder} is none")
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    files = [file for file in files if not _is_hidden(file.relative_to(folder))]
    pictures = [file for file in files if file.parent == folder]
    pictures = pictures or [file for file in files if file.parent.name == "images"]
    if not pictures:
        raise SlideshowError(f"expected {', '.join(SUFFIXES)} files in {folder} or in folders named images inside it")
    return pictures


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in file.parts)


def flat_ground_depth() -> np.ndarray:
    """(256, 256) uint8: planar depth / far * 255 of a level ground seen from the slideshow's pose."""
    focal = SIZE / 2 / math.tan(math.radians(30))
    slope = (np.arange(SIZE) + 0.5 - SIZE / 2) / focal  # of the ray of each row, downwards
    down = math.sin(PITCH) + slope * math.cos(PITCH)  # metres lower for each metre of planar depth
    depth = np.where(down > 0, HEIGHT / np.maximum(down, 1e-9), np.inf)
    rows = np.clip(np.round(np.minimum(depth / FAR, 1.0) * 255), 0, 255).astype(np.uint8)
    return np.repeat(rows[:, None], SIZE, axis=1)
