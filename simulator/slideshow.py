"""A folder of pictures as a simulation: a hovering quad that takes them, for demonstrations on real images."""

import logging
import math
from pathlib import Path

import cv2
import numpy as np

from simulator.geometry import IMAGE_SIZE
from simulator.types import Image, Marker, Observation, Point, Pose, QuadState, Rendered

log = logging.getLogger(__name__)

HEIGHT = 8.0  # m above the ground
PITCH = math.radians(30)
UNKNOWN_DEPTH = 255  # far or beyond: the agent ranges people by their size
BODY_POSE = Pose(0.0, 0.0, HEIGHT, 0.0, 0.0, 0.0)
CAMERA_POSE = Pose(0.0, 0.0, HEIGHT, 0.0, PITCH, 0.0)
SUFFIXES = (".jpeg", ".jpg", ".png")
HIDDEN = (".", "__MACOSX")  # files and folders whose names begin with these are skipped


class SlideshowError(ValueError):
    """The folder has no pictures."""


class Slideshow:
    """Simulation that shows one picture per frame, in the order of their paths. Their depth is not known.

    The folder has JPEG or PNG files, or contains folders `images` of them; files that cannot be read are reported and
    left out. Raises SlideshowError if there are no pictures.
    """

    def __init__(self, folder: Path, hz: float):
        self._files = find_pictures(folder)
        self._period = 1.0 / hz
        self.time = 0.0  # simulated seconds since the start
        self._reported: Point | None = None
        self._depth: Image = np.full((IMAGE_SIZE, IMAGE_SIZE), UNKNOWN_DEPTH, np.uint8)
        self._rgb: Image = np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)
        self._shown = -1  # index of the file whose picture that is
        if self.ended:
            raise SlideshowError(f"expected pictures in {folder}, but none of its files can be read")

    @property
    def ended(self) -> bool:
        """Whether the last picture has been shown."""
        index = round(self.time / self._period)
        while index < len(self._files) and index != self._shown:
            picture = read_picture(self._files[index])
            if picture is None:
                log.warning("skipped %s: it cannot be read as a picture", self._files.pop(index))
            else:
                self._rgb, self._shown = picture, index
        return index >= len(self._files)

    def observe(self) -> Observation:
        """Return the current picture. Raises SlideshowError when it has ended."""
        if self.ended:
            raise SlideshowError("there are no more pictures")
        return Observation(
            time=self.time,
            state=QuadState.PATROL if self._reported is None else QuadState.FOLLOW,
            pose=BODY_POSE,
            gimbal_pose=CAMERA_POSE,
            rendered=Rendered(self._rgb, self._depth, np.zeros((IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)),
            reported=self._reported,
        )

    def step(self, seconds: float) -> None:
        """Advance the simulated time."""
        self.time += seconds

    def target_detected(self, position: Point) -> None:
        """Store the reported position; the quad keeps hovering."""
        self._reported = position

    def target_lost(self, look_at: Point | None = None) -> None:
        """Forget the reported position."""
        self._reported = None

    def place_marker(self, marker: Marker, duration: float) -> None:
        """Do nothing: a slideshow has no place for markers."""

    def delete_marker(self, id: int) -> None:
        """Do nothing: a slideshow has no place for markers."""


def find_pictures(folder: Path) -> list[Path]:
    """Return the pictures of the folder itself, or else those of all folders `images` inside it, in order."""
    if not folder.is_dir():
        raise SlideshowError(f"expected a folder of pictures, got {folder}, which is not a folder")
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    files = [file for file in files if not any(part.startswith(HIDDEN) for part in file.relative_to(folder).parts)]
    pictures = [file for file in files if file.parent == folder]
    pictures = pictures or [file for file in files if file.parent.name == "images"]
    if not pictures:
        raise SlideshowError(f"expected {', '.join(SUFFIXES)} files in {folder} or in folders named images inside it")
    return pictures


def read_picture(file: Path) -> Image | None:
    """Return a picture at the size of the camera's images; None if it cannot be read."""
    try:
        data = np.fromfile(file, np.uint8)
        picture = cv2.imdecode(data, cv2.IMREAD_COLOR_RGB) if data.size else None
    except (OSError, cv2.error):  # OpenCV's: more than 2^30 pixels, or a damaged header
        return None
    if picture is None:
        return None
    resized = cv2.resize(picture, (IMAGE_SIZE, IMAGE_SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)
