"""Resize frames and masks as the original project did, for training, inference and evaluation alike."""

import numpy as np
from PIL import Image


def resize_bilinear(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return an image, (height, width, 3) uint8, at (rows, columns) `size`: Pillow's antialiased bilinear filter."""
    if image.shape[:2] == size:
        return image
    rows, columns = size
    return np.asarray(Image.fromarray(image).resize((columns, rows), Image.Resampling.BILINEAR))
