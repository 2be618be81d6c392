"""The pictures of one flight as the network is to see them."""

import math

import numpy as np

from follower.restoration.exposure import brighten, white_level
from follower.restoration.haze import Haze
from follower.timing import frame_seconds
from follower.types import Frame

OBSERVED_EVERY = 0.5  # seconds: the haze changes slowly, and depth images take time to decode
DAYLIGHT = 210.0  # white level that some of the pictures of a flight by day reach
MEMORY = 60.0  # seconds in which a bright picture is forgotten: by day, too, others show nothing but a lawn


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

        An error of decoding an image leaves the restorer as it was.
        """
        seconds = frame_seconds(frame.timestamp, self._time)
        unobserved = self._unobserved + seconds
        due = unobserved >= OBSERVED_EVERY
        picture = frame.image
        depth_image = frame.depth_image if due or self._haze.density else None
        self._time, self._unobserved = frame.timestamp, unobserved
        self._white = max(white_level(picture), self._white * math.exp(-seconds / MEMORY))
        if depth_image is not None:
            if due:
                self._haze.observe(picture, depth_image, unobserved)
                self._unobserved = 0.0
            picture = self._haze.remove(picture, depth_image)
        return brighten(picture)
