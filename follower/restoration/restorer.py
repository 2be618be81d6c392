"""The pictures of one flight as the network is to see them."""

import math

import numpy as np

from follower.restoration.exposure import brighten, white_level
from follower.restoration.haze import Haze
from follower.timing import frame_seconds
from follower.types import Frame

OBSERVED_EVERY = 0.5  # seconds: the haze changes slowly, and depth images take time to decode
RESTART = 1.0  # seconds by which the clock runs back where a new flight begins
BLACK = 16.0  # white level of pictures that show nothing
DAYLIGHT = 210.0  # white level that some of the pictures of a flight by day reach
MEMORY = 300.0  # seconds; by day, some 50 s without anything bright are possible, above a lawn


class PictureRestorer:
    """Removes haze from the pictures of a flight, and brightens dark ones. Clear, bright pictures stay as they are."""

    def __init__(self) -> None:
        self._haze = Haze()
        self._white = 0.0  # level of the brightest pictures
        self._time: float | None = None  # of the last frame
        self._unobserved = OBSERVED_EVERY  # seconds since the haze was last observed

    @property
    def hard_to_see(self) -> bool:
        """Whether there is haze, or little light: networks are less certain then, whatever is done to the pictures."""
        return self._haze.density > 0 or 0 < self._white < DAYLIGHT

    def restore(self, frame: Frame) -> np.ndarray:
        """Return a frame's picture, (height, width, 3) uint8 RGB, as the network is to see it.

        A clock that runs back by more than RESTART begins a new flight. Without a depth image, or with one that raises
        ValueError when it is decoded, haze stays in the picture.
        """
        picture = frame.image
        if self._time is not None and frame.timestamp < self._time - RESTART:
            self._haze, self._white, self._unobserved = Haze(), 0.0, OBSERVED_EVERY
        seconds = frame_seconds(frame.timestamp, self._time)
        self._time, self._unobserved = frame.timestamp, self._unobserved + seconds
        white = white_level(picture)
        self._white = max(white, self._white * math.exp(-seconds / MEMORY))
        due = self._unobserved >= OBSERVED_EVERY and white >= BLACK
        if due or self._haze.density:
            picture = self._without_haze(picture, frame, due)
        return brighten(picture)

    def _without_haze(self, picture: np.ndarray, frame: Frame, due: bool) -> np.ndarray:
        """Return the picture without haze; the haze is measured first if that is `due`."""
        seconds = self._unobserved
        if due:
            self._unobserved = 0.0
        try:
            depth_image = frame.depth_image
        except ValueError:
            return picture
        if depth_image is None:
            return picture
        if due:
            self._haze.observe(picture, depth_image, seconds)
        return self._haze.remove(picture, depth_image)
