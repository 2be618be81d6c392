"""Writes small datasets with classes of their own: sky, road, cars and cones, in wide frames."""

from pathlib import Path

import cv2
import numpy as np

NAMES = ("sky", "road", "car", "cone")
MASK_COLOURS = np.array([(70, 130, 180), (128, 64, 128), (0, 0, 142), (255, 255, 255)], np.uint8)
PAINT = np.array([(120, 180, 250), (90, 90, 95), (200, 40, 30), (250, 160, 20)], np.uint8)
IGNORED = 255
SIZE = (64, 96)  # rows, columns

CLASSES_TOML = """
ignored = "#000000"   # the lower edge of each frame
[classes]
sky = "#4682b4"
road = "#804080"
car = "#00008e"
cone = "#ffffff"
"""
WITH_TARGET = f'target = "car"\n{CLASSES_TOML}'


def draw_labels(random: np.random.Generator, size: tuple[int, int] = SIZE, cars: bool = True) -> np.ndarray:
    """(rows, columns) uint8: sky above road, a car and cones on it, the lowest rows ignored."""
    rows, columns = size
    labels = np.zeros(size, np.uint8)
    horizon = int(rows * random.uniform(0.3, 0.5))
    labels[horizon:] = 1
    for label, height, width in [(2, 14, 22)] * cars + [(3, 10, 8)] * 2:
        top, left = random.integers(horizon, rows - height - 6), random.integers(0, columns - width)
        labels[top : top + height, left : left + width] = label
    labels[-4:] = IGNORED
    return labels


def write_dataset(folder: Path, count: int, seed: int = 0, classes: str = CLASSES_TOML) -> Path:
    """`count` frames, every third without a car, with their `classes.toml`."""
    random = np.random.default_rng(seed)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    for number in range(count):
        labels = draw_labels(random, cars=number % 3 > 0)
        image = np.append(PAINT, [PAINT[1]], axis=0)[np.minimum(labels, len(NAMES))]
        image = np.clip(image + random.normal(0, 6, image.shape), 0, 255).astype(np.uint8)
        mask = np.append(MASK_COLOURS, [[0, 0, 0]], axis=0).astype(np.uint8)[np.minimum(labels, len(NAMES))]
        cv2.imwrite(str(folder / "images" / f"{number:04d}.png"), image[..., ::-1])
        cv2.imwrite(str(folder / "masks" / f"{number:04d}.png"), mask[..., ::-1])
    if classes:
        (folder / "classes.toml").write_text(classes)
    return folder
