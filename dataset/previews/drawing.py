"""Draw on images, (height, width, 3) uint8 RGB: text, captions, outlines of regions, tiles. Opens no window."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from dataset.files import write_atomically

Colour = tuple[int, int, int]  # RGB

PAPER, INK, FAINT = (250, 250, 250), (30, 30, 30), (150, 150, 150)
CAPTION = 22  # height in pixels


def draw_text(image: np.ndarray, text: str, left: int, baseline: int, colour: Colour = INK, size: float = 0.42) -> None:
    """Draw one line of text, in place; the font has ASCII only, and OpenCV crashes on names that are no valid text."""
    text = text.encode("ascii", "replace").decode()
    cv2.putText(image, text, (left, baseline), cv2.FONT_HERSHEY_SIMPLEX, size, colour, 1, cv2.LINE_AA)


def draw_outline(image: np.ndarray, region: np.ndarray, colour: Colour) -> None:
    """Outline a region, (rows, columns) bool at any resolution, one pixel wide, around it and not over it, in place."""
    height, width = image.shape[:2]
    inside = cv2.resize(region.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    image[(cv2.dilate(inside, np.ones((3, 3), np.uint8)) > 0) & (inside == 0)] = colour


def caption(text: str, width: int, colour: Colour = INK) -> np.ndarray:
    """Return a line of text on paper, (CAPTION, width, 3)."""
    strip = np.full((CAPTION, width, 3), PAPER, np.uint8)
    draw_text(strip, text, 6, 15, colour)
    return strip


def tiled(images: Sequence[np.ndarray], columns: int, gap: int = 0) -> np.ndarray:
    """Lay out images in rows, with at least `gap` pixels of paper around each."""
    columns = min(columns, len(images))
    height, width = np.max([image.shape[:2] for image in images], axis=0) + gap
    sheet = np.full((-(-len(images) // columns) * height + gap, columns * width + gap, 3), PAPER, np.uint8)
    for index, image in enumerate(images):
        top, left = gap + index // columns * height, gap + index % columns * width
        sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet


def write_image(path: Path, image: np.ndarray) -> None:
    """Write a PNG. Raises OSError."""
    done, data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    if not done:
        raise OSError(f"{path}: OpenCV could not encode an image of shape {image.shape}")
    write_atomically(path, data.tobytes())
