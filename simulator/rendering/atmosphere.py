"""What lies between the scene and the picture: fog, falling rain, and the grain of a camera in the dark."""

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.geometry import IMAGE_SIZE
from simulator.types import Image
from simulator.world.city import Light

EXTINCTION = 3.0  # optical depth at which a black object can no longer be told from the haze
PATTERNS = 6  # of streaks and of grain, of which each moment shows one
STREAKS = 260  # in a pattern
SLANT = 0.16  # columns per row
STREAK_COLOR = 205.0


class Atmosphere:
    """Fog, rain and grain of a light, for pictures whose depth comes in steps.

    `metres` are the depths of the steps, (n,); the last step stands for the sky.
    """

    def __init__(self, light: Light, metres: NDArray[np.floating], seed: int):
        self._seed = seed
        random = np.random.default_rng([seed, 59])
        self._haze = np.array(light.haze, np.float32) * 255
        self._transmission = np.exp(-EXTINCTION / light.visibility * metres).astype(np.float32)[:, None]
        self._transmission[-1] = 0.0 if np.isfinite(light.visibility) else 1.0
        self._is_hazy = np.isfinite(light.visibility)
        self._streaks = [_streaks(random) for _ in range(PATTERNS)] if light.rain else []
        size = (IMAGE_SIZE, IMAGE_SIZE, 3)
        patterns = PATTERNS if light.grain else 0
        self._grain = [(light.grain * random.standard_normal(size)).astype(np.int16) for _ in range(patterns)]

    def apply(self, picture: Image, steps: NDArray[np.int32], time: float) -> Image:
        """Return the picture, (256, 256, 3), of a scene at the depth `steps`, (256, 256), at a time in seconds."""
        random = np.random.default_rng([self._seed, round(time * 100), 61])
        if self._is_hazy:
            seen = (picture - self._haze) * self._transmission[steps] + self._haze
            if self._streaks:
                streaks = np.roll(self._streaks[random.integers(PATTERNS)], random.integers(IMAGE_SIZE, size=2), (0, 1))
                seen += streaks * (STREAK_COLOR - seen)
            picture = np.asarray(seen, np.uint8)
        if self._grain:
            grain = self._grain[random.integers(PATTERNS)]
            grain = np.roll(grain, random.integers(IMAGE_SIZE), axis=0)
            picture = np.asarray(cv2.add(picture, grain, dtype=cv2.CV_8U), np.uint8)
        return picture


def _streaks(random: np.random.Generator) -> NDArray[np.float32]:
    """Return the opacity, (256, 256, 1), of drops that fall during the exposure; near ones are long, wide and faint."""
    opacity = np.zeros((IMAGE_SIZE, IMAGE_SIZE), np.float32)
    for _ in range(STREAKS):
        x, y = random.uniform(0, IMAGE_SIZE, 2)
        length = 5 + 28 * random.random() ** 3
        slant = SLANT + random.normal(0, 0.03)
        start, end = (round(x), round(y)), (round(x + slant * length), round(y + length))
        one = np.zeros_like(opacity)
        cv2.line(one, start, end, random.uniform(0.12, 0.45), 1 + int(length > 28))
        opacity = np.maximum(opacity, one)
    return np.asarray(cv2.GaussianBlur(opacity, (3, 3), 0.6), np.float32)[..., None]
