"""Windows with light behind them, for cities in the dark: panes in front of the walls' own."""

import numpy as np

from simulator.rendering.meshes import Mesh
from simulator.types import FloatArray

LIT = 0.3  # fraction of the windows
GLOWS = ((1.0, 0.80, 0.48), (1.0, 0.90, 0.68), (0.80, 0.88, 1.0))
PANES = ((0.325, 0.48), (0.52, 0.675))  # of a window, left to right as fractions of a bay, as the facade is painted
SILL, LINTEL = 0.23, 0.76  # fractions of a storey
OFFSET = 0.04  # m in front of the wall


def lit_windows(
    outline: FloatArray, bottom: float, top: float, storeys: int, bay_width: float, random: np.random.Generator
) -> Mesh:
    """Return the panes of some windows of the walls around an outline (n, 2), counter-clockwise; metres."""
    corners, colors = [], []
    for start, end in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        length = float(np.hypot(*(end - start)))
        ahead = (end - start) / length
        bays = max(1, round(length / bay_width))
        outwards = OFFSET * np.array([ahead[1], -ahead[0]])
        for bay, storey in np.argwhere(random.random((bays, storeys)) < LIT):
            low, high = bottom + (np.array([SILL, LINTEL]) + storey) * (top - bottom) / storeys
            glow = np.array(GLOWS[random.integers(len(GLOWS))]) * random.uniform(0.55, 1.0)
            for left, right in PANES:
                one, other = (start + ahead * length * (bay + at) / bays + outwards for at in (left, right))
                corners += [(*one, low), (*other, low), (*other, high), (*one, high)]
                colors += [glow] * 4
    quads = 4 * np.arange(len(corners) // 4)[:, None]
    triangles = np.concatenate([quads + np.array(face) for face in ((0, 1, 2), (0, 2, 3))])
    count = len(corners)
    return Mesh(np.reshape(corners, (-1, 3)), np.reshape(colors, (-1, 3)), triangles, np.zeros((count, 2)))
