"""A part of a picture that is enough to measure its light."""

import numpy as np

SIDE = 64  # rows and columns of the sample, about


def sample(image: np.ndarray) -> np.ndarray:
    """Return about SIDE times SIDE pixels of an image, (height, width, ...), evenly distributed; all of a small one."""
    step = max(1, min(image.shape[:2]) // SIDE)
    return image[step // 2 :: step, step // 2 :: step]
