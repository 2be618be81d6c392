"""Faults of depth cameras: noise that grows with the distance, and holes without a measurement."""

import cv2
import numpy as np

from simulator.geometry import FAR, IMAGE_SIZE
from simulator.types import Image

NO_MEASUREMENT = 0  # as depth cameras write it
BEYOND = 255
NOISE = 0.012  # deviation, as a fraction of the distance
CELLS = IMAGE_SIZE // 8  # of the grid of holes, along each side
HOLES = 0.05  # fraction of the cells
EDGE = round(255 / FAR * 1.0)  # a step of so much in depth is an edge, where half of the pixels have no measurement


def with_faults(depth: Image, random: np.random.Generator) -> Image:
    """Return a depth image, (256, 256), as a depth camera would measure it."""
    noise = random.standard_normal(depth.shape, np.float32)
    measured = np.clip(depth * (1 + NOISE * noise) + 0.5, 1, BEYOND).astype(np.uint8)
    measured[depth == BEYOND] = BEYOND
    grid = (random.random((CELLS, CELLS)) < HOLES).astype(np.float32)
    holes = cv2.resize(grid, depth.shape, interpolation=cv2.INTER_CUBIC) > 0.5
    edges = cv2.morphologyEx(depth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > EDGE
    measured[holes | (edges & (noise > 0))] = NO_MEASUREMENT
    return measured
