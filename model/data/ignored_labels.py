"""Packed labels of which some are ignored: the file keeps them, whoever reads them does not see them."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from dataset.masks.ignored import IgnoredBox, ignore


class IgnoredLabels:
    """(n, height, width) labels, memory-mapped, with IGNORED in the boxes of each frame."""

    def __init__(self, labels: np.ndarray, boxes: Mapping[int, tuple[IgnoredBox, ...]]) -> None:
        self._labels, self._boxes = labels, boxes
        self.shape: tuple[int, ...] = labels.shape

    def __len__(self) -> int:
        return len(self._labels)

    def __getitem__(self, index: Any) -> np.ndarray:
        """Return one frame, or part of it (frame, rows, columns), or the frames of several numbers or a slice."""
        frame, *part = index if isinstance(index, tuple) else (index,)
        if isinstance(frame, int | np.integer):
            labels = self._labels[frame]
            boxes = self._boxes.get(int(frame))
            return (ignore(labels, boxes) if boxes else labels)[tuple(part)]
        rows = np.arange(len(self))[frame]
        several = self._labels[rows]  # a copy, unless it is a slice
        for at, row in enumerate(rows.tolist()):
            if boxes := self._boxes.get(row):
                several[at] = ignore(several[at], boxes)
        return np.asarray(several)[(slice(None), *part)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return self[:].astype(dtype or self._labels.dtype, copy=False)
