"""Synthetic frames to check a runtime with before it is used: scenes with near, distant and no target, and noise."""

import cv2
import numpy as np

# RGB, as in the simulator: a red-haired target in red, other people in suits and jeans, grass, walls, sky.
Colour = tuple[int, int, int]
SKIN, HAIR, RED, DARK_RED = (214, 168, 140), (130, 38, 20), (176, 28, 30), (92, 18, 24)
SUIT, JEANS, SHIRT = (40, 42, 50), (52, 66, 96), (190, 190, 180)
SKY, GRASS, WALL = (150, 180, 212), (86, 112, 54), (150, 138, 124)


def sanity_frames(size: tuple[int, int]) -> np.ndarray:
    """Return six different frames, (6, rows, columns, 3) uint8 RGB, of (rows, columns) `size`; always the same."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    frames = [
        _scene(target_heights=(150,)),
        _scene(target_heights=(40, 22, 12)),
        _scene(target_heights=(60,), brightness=0.4),
        _scene(target_heights=()),
        noise,
        np.zeros_like(noise),
    ]
    rows, columns = size
    return np.stack([cv2.resize(frame, (columns, rows), interpolation=cv2.INTER_AREA) for frame in frames])


def _scene(target_heights: tuple[int, ...], brightness: float = 1.0) -> np.ndarray:
    scene = np.empty((256, 256, 3), np.float32)
    scene[:90], scene[90:] = SKY, GRASS
    scene[40:110, 150:230] = WALL
    for column, height in zip((70, 150, 215), target_heights, strict=False):
        _person(scene, 100 + height, column, height, (HAIR, RED, DARK_RED))
    for column, height in ((20, 30), (115, 55), (185, 18), (240, 80)):
        _person(scene, 105 + height, column, height, (SUIT, SHIRT, JEANS) if column % 2 else (HAIR, SUIT, SUIT))
    texture = np.random.default_rng(1).normal(1.0, 0.12, (256, 256, 1))
    return np.clip(scene * texture * brightness, 0, 255).astype(np.uint8)


def _person(scene: np.ndarray, feet: int, column: int, height: int, colours: tuple[Colour, Colour, Colour]) -> None:
    """Draw a head, a top and trousers, `height` pixels tall, with the feet on row `feet`."""
    hair, top, trousers = colours
    half = max(height // 8, 1)
    left, right = column - half, column + half
    scene[feet - height : feet - int(0.82 * height), column - half // 2 : column + half // 2 + 1] = SKIN
    scene[feet - height : feet - int(0.93 * height), column - half // 2 : column + half // 2 + 1] = hair
    scene[feet - int(0.82 * height) : feet - int(0.45 * height), left:right] = top
    scene[feet - int(0.45 * height) : feet, left:right] = trousers
