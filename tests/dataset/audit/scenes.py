"""Drawn frames with known labels: people on a lawn, a bush of leaves, and what is wrong with them."""

from pathlib import Path

import cv2
import numpy as np

from dataset.masks.labels import encode_labels
from dataset.schema import HERO, PEOPLE

SIZE = 128
LAWN, BLUE, RED, DARK = (70, 130, 20), (50, 60, 110), (150, 25, 30), (20, 25, 20)
LEAVES = np.array([(20, 60, 10), (60, 120, 30), (10, 25, 8), (90, 150, 40), (235, 235, 225)], np.uint8)


def lawn(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels without anyone; shaded, so that no two of them are the same picture."""
    shade = cv2.resize(random.uniform(-25, 25, (4, 4)), (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)
    image = np.clip(np.array(LAWN) + shade[..., None] + random.normal(0, 2, (SIZE, SIZE, 1)), 0, 255)
    return image.astype(np.uint8), np.zeros((SIZE, SIZE), np.uint8)


def add_person(image: np.ndarray, labels: np.ndarray, top: int, left: int, height: int, label: int = PEOPLE) -> None:
    """Draw a person three times as high as wide: the target in red, far people dark, others in blue."""
    box = np.s_[top : top + height, left : left + max(height // 3, 2)]
    image[box] = RED if label == HERO else DARK if height < 10 else BLUE
    labels[box] = label


def cover(image: np.ndarray, top: int, left: int, side: int, random: np.random.Generator) -> None:
    """Draw leaves over a square."""
    image[top : top + side, left : left + side] = LEAVES[random.integers(0, len(LEAVES), (side, side))]


def crowd(random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Image and labels of four people and the target, at different places each time."""
    image, labels = lawn(random)
    columns = random.permutation(5) * 25 + random.integers(2, 10)
    for number, left in enumerate(columns.tolist()):
        height = int(random.integers(20, 32))
        add_person(image, labels, int(random.integers(5, 90)), left, height, HERO if number == 0 else PEOPLE)
    return image, labels


def write(folder: Path, number: int, image: np.ndarray, labels: np.ndarray, quality: int = 75) -> None:
    """Write a frame of one run as QuadSim's tools do: a JPEG and a mask."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    jpeg = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    (folder / "images" / f"0_run1_cam1_{number:05d}.jpeg").write_bytes(jpeg.tobytes())
    (folder / "masks" / f"0_run1_mask_{number:05d}.png").write_bytes(encode_labels(labels))
