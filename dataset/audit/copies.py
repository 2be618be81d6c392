"""Find copies of a picture, also mirrored and compressed again, by look, in a time that grows with the frames alone.

A picture's look is its lowest frequencies (DCT). Mirrored, those that are odd across change their sign. Looks are
sorted into the cells of a grid of their largest components: a copy lies in the same cell, or just across its border.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import product

import cv2
import numpy as np

THUMBNAIL, KEPT = 32, 8  # pixels; frequencies across and down
NOISE = 1.5  # grey levels by which a component changes in a copy
CELL = 8.0  # grey levels
INDEXED = (1, 8, 9, 2, 16, 10)  # components that the grid has: the lowest but the mean
MOST_SEARCHED = 4096  # pictures of a cell, the latest before one, among which those like it are searched
MOST_ALIKE = 16  # of them, that it is compared with
BLOCK = 4  # pixels over which two pictures are compared
MAX_DIFFERENCE = 11.0  # grey levels between the blocks of a copy; a far person who has moved makes more
_MIRROR = np.tile(np.where(np.arange(KEPT) % 2, -1, 1), KEPT).astype(np.float32)


def look_of(image: np.ndarray) -> np.ndarray:
    """Return the look of a picture, (KEPT * KEPT,) float32, in grey levels."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.dct(grey.astype(np.float32))[:KEPT, :KEPT].reshape(-1) / THUMBNAIL * 2)


def find_copies(looks: np.ndarray, read: Callable[[int], np.ndarray]) -> Iterator[tuple[int, int, bool, float]]:
    """Yield each picture that is a copy of an earlier one: its index, that of the first, whether mirrored, difference.

    `looks` are (n, KEPT * KEPT); `read` returns a picture, (height, width, 3) uint8. The difference is 0 to 1.
    """
    candidates = defaultdict[int, list[tuple[int, bool]]](list)
    for is_mirrored, pairs in ((False, _near(looks, looks)), (True, _near(looks, looks * _MIRROR))):
        for one, other in pairs.tolist():
            candidates[other].append((one, is_mirrored))
    blocks = lru_cache(maxsize=512)(lambda index: _blocks(read(index)))
    first: dict[int, tuple[int, bool]] = {}  # of a copy: the first picture, and whether mirrored against it
    for index in sorted(candidates):
        tried = set()
        for other, is_mirrored in sorted(candidates[index]):
            original, was_mirrored = first.get(other, (other, False))
            candidate = original, is_mirrored != was_mirrored
            if candidate in tried:
                continue
            tried.add(candidate)
            difference = _difference(blocks(index), blocks(original), candidate[1])
            if difference <= MAX_DIFFERENCE:
                first[index] = candidate
                yield index, *candidate, difference / MAX_DIFFERENCE
                break


def _near(looks: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Return (m, 2) the indices of looks and later others that differ by no more than NOISE in any component.

    Of very many, as of a drone that hovers, the most alike ones of the latest are returned: time and memory grow with
    the pictures, not with their square.
    """
    indexed = list(INDEXED)
    cells = np.floor(looks[:, indexed] / CELL).astype(np.int64)
    keys = _keys(cells)
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    low, high = (np.floor((others[:, indexed] + shift) / CELL).astype(np.int64) for shift in (-NOISE, NOISE))
    found = []
    for choice in product((False, True), repeat=len(indexed)):
        chosen = np.array(choice)
        rows = np.flatnonzero((low != high)[:, chosen].all(axis=1))  # those that reach across these borders
        wanted = _keys(np.where(chosen, high[rows], low[rows]))
        starts, ends = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
        for row, start, end in zip(rows.tolist(), starts.tolist(), ends.tolist(), strict=True):
            earlier = order[start : start + np.searchsorted(order[start:end], row)]  # of equal keys in order
            earlier = earlier[-MOST_SEARCHED:]
            if len(earlier):
                differences = np.abs(looks[earlier] - others[row]).max(axis=1)
                closest = np.argsort(differences, kind="stable")[:MOST_ALIKE]
                near = earlier[closest[differences[closest] <= NOISE]]
                found.append(np.column_stack([near, np.full(len(near), row)]))
    return np.concatenate(found) if found else np.zeros((0, 2), int)


def _keys(cells: np.ndarray) -> np.ndarray:
    """Return one number for each row of cells, (n, d) int64; of equal rows the same."""
    factors = np.array([pow(1000003, power, 2**61 - 1) for power in range(cells.shape[1])], np.int64)
    with np.errstate(over="ignore"):
        return np.asarray((cells * factors).sum(axis=1))


def _blocks(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    size = max(grey.shape[1] // BLOCK, 1), max(grey.shape[0] // BLOCK, 1)
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


def _difference(one: np.ndarray, other: np.ndarray, is_mirrored: bool) -> float:
    if one.shape != other.shape:
        return float("inf")
    return float(np.abs(one - (other[:, ::-1] if is_mirrored else other)).max())
