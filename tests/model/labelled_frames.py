"""Writes small labelled datasets for tests."""

from pathlib import Path

import cv2
import numpy as np

from model.data.sources import SourceFrame, collect

COLOURS = {0: (90, 140, 60), 1: (40, 60, 200), 2: (200, 30, 30)}  # background, people, hero


def draw_labels(random: np.random.Generator, size: int = 256, hero: bool = True) -> np.ndarray:
    """(size, size) uint8: upright rectangles of people and at most one hero."""
    labels = np.zeros((size, size), np.uint8)
    for label in [1, 1, 2] if hero else [1, 1]:
        height = int(random.integers(size // 12, size // 4))
        width = max(height // 3, 3)
        top, left = random.integers(1, size - height - 1), random.integers(1, size - width - 1)
        labels[top : top + height, left : left + width] = label
    return labels


def paint(labels: np.ndarray) -> np.ndarray:
    """(rows, cols, 3) uint8 RGB: each class in its own colour."""
    return np.array([COLOURS[0], COLOURS[1], COLOURS[2]], np.uint8)[labels]


def write_frame(folder: Path, image_name: str, mask_name: str, image: np.ndarray, labels: np.ndarray) -> None:
    """One frame below `folder`, its mask as the official ones: a channel for each class, 0 or 255."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    mask = np.eye(3, dtype=np.uint8)[labels] * 255
    cv2.imwrite(str(folder / "images" / image_name), image[..., ::-1])
    cv2.imwrite(str(folder / "masks" / mask_name), mask[..., ::-1])


def write_dataset(folder: Path, count: int, size: int = 256, seed: int = 0) -> Path:
    """`count` frames, every third without a hero."""
    random = np.random.default_rng(seed)
    for number in range(count):
        labels = draw_labels(random, size, hero=number % 3 > 0)
        write_frame(folder, f"run_1_cam1_{number:05d}.jpeg", f"run_1_mask_{number:05d}.png", paint(labels), labels)
    return folder


def find_frames(folder: Path) -> tuple[SourceFrame, ...]:
    """All frames of a dataset, as `pack` takes them."""
    return collect([str(folder)], hold_out_by_default=False).train


def hero_offset(image: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(2,) rows and columns from the centre of the picture's red pixels to that of the hero's labels."""
    # From the green of the grass (0) to the red of the hero (1); people and the ringing of JPEG stay below 0.4.
    redness = (image[..., 0].astype(float) - image[..., 1] - (90 - 140)) / (170 - (90 - 140))
    return _centre(labels == 2) - _centre(np.where(redness > 0.4, redness, 0))


def _centre(weights: np.ndarray) -> np.ndarray:
    return np.array([(weights * each).sum() / weights.sum() for each in np.indices(weights.shape)])
