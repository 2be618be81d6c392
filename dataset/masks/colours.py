"""What the pixels of masks mean: colours or numbers of the classes, recognised in a folder of masks, or given.

Only what is unambiguous is recognised: the colours of this project's own masks, the same on black, and class numbers.
For others a dataset says what they mean, see `dataset.masks.classes_file`.
"""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from dataset.masks.labels import labels_of_channels
from dataset.masks.stored import StoredMask, codes_of, colour_name, describe
from dataset.schema import BACKGROUND, DEFAULT_CLASSES, HERO, IGNORED, PEOPLE, Classes, rgb

UNREADABLE = 254  # label of a pixel that shows no class
RECOGNISED_BY = 9  # masks that are looked at, and more only if these leave it open
TOLERANCE = 24  # distance in RGB within which a colour is taken for another
MAX_BLENDED = 0.2  # of a mask's pixels, blends of the colours of classes: smoothed edges
MAX_BLENDABLE = 12  # colours; masks of more are read exactly, since some are blends of others
DARKEST = 64  # of pure colours, such as (0, 128, 0), which some programs call green


@dataclass(frozen=True)
class MaskColours:
    """Colours, 0xRRGGBB, or numbers that stand for the classes in masks; each class may have several or none."""

    values: tuple[tuple[int, ...], ...]  # by class
    are_numbers: bool = False
    any_shade: bool = False  # whether a pixel with a single channel above 0 counts as 255: some official masks hold 1
    certain: bool = False  # said by the dataset, or of a recording; not only recognised
    classes: Classes = DEFAULT_CLASSES
    ignored: tuple[int, ...] = ()  # of pixels that count neither in the loss nor in any figure

    def __str__(self) -> str:
        """Return such as "red (background), green (people) or blue (hero)"."""
        name = str if self.are_numbers else colour_name
        named = [*zip(self.classes.names, self.values, strict=True), ("ignored", self.ignored)]
        *most, last = [f"{' or '.join(map(name, values))} ({label})" for label, values in named if values]
        return f"{', '.join(most)} or {last}" if most else last

    def labels(self, mask: StoredMask) -> np.ndarray:
        """Return the class of each pixel, (height, width) uint8; IGNORED, or UNREADABLE where it shows none."""
        if self.are_numbers:
            numbers = mask.numbers
            return np.full(mask.size, UNREADABLE, np.uint8) if numbers is None else self._exact(numbers)
        if not self.any_shade:
            return self._nearest(mask.colours, mask.codes)
        dark = (mask.colours > 1) & (mask.colours < DARKEST)
        labels = None if dark.any() else labels_of_channels(mask.colours)
        if labels is not None:
            return labels
        colours = _full_shades(mask.colours)
        return self._nearest(colours, codes_of(colours))

    def pure_labels(self, mask: StoredMask) -> np.ndarray:
        """Return the classes of the colours that a mask shows, (n,) uint8; UNREADABLE for blends and others."""
        shown = np.unique(mask.colours.reshape(-1, 3), axis=0).astype(np.float32)
        labels, blended = self._nearest_to(shown)
        labels[blended] = UNREADABLE
        return labels

    def _exact(self, pixels: np.ndarray) -> np.ndarray:
        labels = np.full(pixels.shape, UNREADABLE, np.uint8)
        for label, value in self._pairs:
            labels[pixels == value] = label
        return labels

    def _nearest(self, colours: np.ndarray, codes: np.ndarray) -> np.ndarray:
        """Return labels by the nearest colour; blends of several classes only if they are few, at edges."""
        labels = self._exact(codes)
        rest = labels == UNREADABLE
        if not self._is_clear or not rest.any():
            return labels
        _, first, where = np.unique(codes[rest], return_index=True, return_inverse=True)
        found, blended = self._nearest_to(colours[rest][first].astype(np.float32))
        if np.count_nonzero(blended[where]) > MAX_BLENDED * labels.size:
            found[blended] = UNREADABLE
        labels[rest] = found[where.reshape(-1)]
        return labels

    def _nearest_to(self, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the labels of (n, 3) colours, UNREADABLE far from all, and which of them are blends."""
        classes, points = np.array([label for label, _ in self._pairs], np.uint8), self._points
        distances = np.linalg.norm(colours[:, None] - points, axis=2)
        labels = np.where(distances.min(axis=1) <= TOLERANCE, classes[distances.argmin(axis=1)], UNREADABLE)
        blended = np.zeros(len(colours), bool)
        for several in _groups(range(len(points))):
            weights, distance = _mix(colours, points[several])
            mixed = (weights >= 0).all(axis=1) & (distance <= TOLERANCE) & (labels == UNREADABLE)
            labels[mixed] = classes[several][weights[mixed].argmax(axis=1)]
            blended |= mixed
        return labels.astype(np.uint8), blended

    @cached_property
    def _pairs(self) -> tuple[tuple[int, int], ...]:
        pairs = [(label, value) for label, values in enumerate(self.values) for value in values]
        return (*pairs, *((IGNORED, value) for value in self.ignored))

    @cached_property
    def _points(self) -> np.ndarray:
        """(n, 3) float RGB of all colours."""
        return np.array([rgb(value) for _, value in self._pairs], np.float32)

    @cached_property
    def _is_clear(self) -> bool:
        """Whether colours that are nearly these can be told apart: none is near another, or a blend of others."""
        if len(self._points) > MAX_BLENDABLE:
            return False
        for index, point in enumerate(self._points):
            others = np.delete(self._points, index, axis=0)
            if len(others) and np.linalg.norm(others - point, axis=1).min() < 4 * TOLERANCE:
                return False
            for several in _groups(range(len(others))):
                weights, distance = _mix(point[None], others[several])
                if (weights >= 0).all() and distance[0] <= 2 * TOLERANCE:
                    return False
        return True


OWN = MaskColours(((0xFF0000,), (0x00FF00,), (0x0000FF,)), any_shade=True)
RECORDED = replace(OWN, certain=True)
ON_BLACK = MaskColours(((0x000000,), (0x00FF00,), (0x0000FF,)))
NUMBERS = MaskColours(((BACKGROUND,), (PEOPLE,), (HERO,)), are_numbers=True)
# Masks that show one of these classes prove the meaning; 0 and 1 alone could be people or hero.
_PROOFS = {OWN: (BACKGROUND, PEOPLE, HERO), ON_BLACK: (PEOPLE, HERO), NUMBERS: (HERO,)}


def recognise(masks: Iterable[StoredMask]) -> MaskColours | None:
    """Return the meaning that fits most of the masks of a folder; None if none can be told.

    Of many masks the first ones should be a sample of all.
    """
    seen, fits, proven = 0, Counter[MaskColours](), set[MaskColours]()
    contradictory = False  # the colours of a palette, and their places in it
    for mask in masks:
        seen += 1
        readings = {colours: colours.labels(mask) for colours in _PROOFS}
        readings = {colours: labels for colours, labels in readings.items() if not (labels == UNREADABLE).any()}
        fits.update(readings.keys())
        proven |= {colours for colours, labels in readings.items() if _is_proven(colours, mask, labels)}
        if ON_BLACK in readings and NUMBERS in readings:
            contradictory |= not np.array_equal(readings[ON_BLACK], readings[NUMBERS])
        possible = {colours for colours, count in fits.items() if 2 * count > seen}
        if seen >= RECOGNISED_BY and (possible & proven or not possible):
            break
    likely = [colours for colours in _PROOFS if colours in proven and 2 * fits[colours] > seen]
    best = max(likely, key=fits.__getitem__, default=OWN if fits[OWN] else None)  # of equals the first
    if best == ON_BLACK and contradictory and fits[NUMBERS] == fits[ON_BLACK]:
        return None
    return best


def _is_proven(colours: MaskColours, mask: StoredMask, labels: np.ndarray) -> bool:
    """Return whether a mask that reads as `labels` shows a class that it would not show with another meaning.

    On black every dark colour is a blend of black and a lighter one, so that blends prove nothing.
    """
    if colours == ON_BLACK:
        labels = colours.pure_labels(mask)
    return bool(np.isin(labels, _PROOFS[colours]).any())


def why_unreadable(masks: Iterable[StoredMask], colours: MaskColours) -> str:
    """Return what was expected of masks with pixels of no class, and what these are.

    That is all that they show; if the meaning is certain, what is not expected.
    """
    masks = list(masks)
    hint = "; JPEG changes colours: save masks as PNG" if any(mask.lossy for mask in masks) else ""
    if not colours.certain:
        return f"each pixel must be {colours}; found {describe(masks)}{hint}"
    if not colours.are_numbers:  # the colours of a palette are meant, not their places in it
        masks = [replace(mask, indices=None) if mask.pixels.ndim == 3 else mask for mask in masks]
    found = describe(masks, lambda mask: colours.labels(mask) == UNREADABLE)
    return f"each pixel must be {colours}; found {found}{hint}"


def _groups(indices: Iterable[int]) -> list[list[int]]:
    """Return all groups of two and of three; more classes than three do not meet in a pixel."""
    indices = list(indices)
    return [list(group) for size in (2, 3) for group in itertools.combinations(indices, size)]


def _mix(colours: np.ndarray, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the shares of the points in the blend that is nearest to each of (n, 3) colours, and its distance."""
    shares = (colours - points[0]) @ np.linalg.pinv(points[1:] - points[0])
    shares = np.column_stack([1 - shares.sum(axis=1), shares])
    return shares, np.linalg.norm(shares @ points - colours, axis=1)


def _full_shades(colours: np.ndarray) -> np.ndarray:
    """Return the colours with 255 where the single channel above 0 holds 1, or DARKEST or more."""
    brightest = colours.max(axis=2)
    pure = (np.count_nonzero(colours, axis=2) == 1) & ((brightest == 1) | (brightest >= DARKEST))
    return np.where(pure[..., None], np.minimum(colours, 1) * np.uint8(255), colours)
