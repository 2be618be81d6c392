"""Training sets as memory-mapped arrays, which worker processes share; `packing` makes them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dataset.archives import DatasetError
from dataset.masks.ignored import Box, IgnoredBox
from dataset.masks.labels import class_areas
from dataset.pairs import classes_of
from dataset.problems import Problem
from dataset.schema import DEFAULT_CLASSES, FAR_PIXELS, HERO, PEOPLE, Classes, at_reference_size
from model.data.ignored_labels import IgnoredLabels
from model.data.sources import SourceFrame

IMAGES, LABELS, AREAS, PERSONS, CHECKS = "images.npy", "labels.npy", "areas.npy", "people.npy", "checked.json"
MIN_DONOR_PIXELS = 40


class Person(NamedTuple):
    """A connected region of one class, and its bounding box in pixels; `bottom` and `right` are exclusive."""

    frame: int
    label: int
    top: int
    left: int
    bottom: int
    right: int
    area: int

    @property
    def height(self) -> int:
        """Of the box, pixels."""
        return self.bottom - self.top

    @property
    def box(self) -> tuple[slice, slice]:
        """Index of the box in an image."""
        return slice(self.top, self.bottom), slice(self.left, self.right)


@dataclass(frozen=True)
class PackedFrames:
    """A packed set of labelled frames. Excluded ones are neither drawn nor measured, and donate no people.

    Likewise, what lies in a box of `ignored`, by frame, in pixels of the packed labels.
    """

    folder: Path
    sources: tuple[SourceFrame, ...]
    excluded: frozenset[int] = frozenset()
    ignored: Mapping[int, tuple[IgnoredBox, ...]] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sources)

    def __reduce__(self) -> tuple[Any, ...]:
        """Leave out what was read so far: another process maps the files itself instead of receiving a copy."""
        return PackedFrames, (self.folder, self.sources, self.excluded, self.ignored)

    def exclude(self, rows: Iterable[int]) -> "PackedFrames":
        """Return the set with further frames excluded."""
        return replace(self, excluded=self.excluded.union(rows))

    @cached_property
    def classes(self) -> Classes:
        """Of the labels. Raises DatasetError if the sources differ."""
        return classes_of([each.pair for each in self.sources])

    @cached_property
    def has_ignored(self) -> bool:
        """Whether labels may be IGNORED."""
        return bool(self.ignored) or any(each.pair.colours.ignored for each in self.sources)

    @property
    def size(self) -> tuple[int, int]:
        """(rows, columns) of the frames."""
        rows, columns = self.labels.shape[1:]
        return rows, columns

    @cached_property
    def weights(self) -> np.ndarray:
        """(n,) how often each frame is drawn, and donates people, relative to the others."""
        return np.array([each.weight for each in self.sources])

    @cached_property
    def corrected(self) -> np.ndarray:
        """(n,) bool: whether a person made the labels."""
        return np.array([each.pair.corrected for each in self.sources], bool)

    @cached_property
    def images(self) -> np.ndarray:
        """(n, height, width, 3) uint8 RGB, memory-mapped."""
        return _load(self.folder / IMAGES, "r")

    @cached_property
    def labels(self) -> IgnoredLabels:
        """(n, height, width) uint8 class indices, or IGNORED; read as they are needed."""
        return IgnoredLabels(_load(self.folder / LABELS, "r"), self.ignored)

    @cached_property
    def areas(self) -> np.ndarray:
        """(n, classes) pixels of each class in each frame."""
        areas = _load(self.folder / AREAS)
        for row in self.ignored:
            areas[row] = class_areas(self.labels[row], self.classes)
        return areas

    @cached_property
    def people(self) -> np.ndarray:
        """(m, 7) the fields of a `Person`, sorted by frame."""
        people = _load(self.folder / PERSONS)
        return people[[not self._is_ignored(Person(*row)) for row in people.tolist()]] if self.ignored else people

    def _is_ignored(self, person: Person) -> bool:
        where = Box(person.top, person.left, person.bottom, person.right)
        return any(label == person.label and box.holds(where) for box, label in self.ignored.get(person.frame, ()))

    @cached_property
    def _checked(self) -> dict[str, Any]:
        try:
            content: dict[str, Any] = json.loads((self.folder / CHECKS).read_text(encoding="utf-8"))
        except ValueError as error:
            raise DatasetError(f"{self.folder} is damaged: remove it, and the frames are read again") from error
        return content

    @cached_property
    def hashes(self) -> list[str]:
        """The SHA-256 of each image file, "" if it could not be read."""
        return list(self._checked["hashes"])

    @cached_property
    def names(self) -> list[str]:
        """What `frame_id` returns for each frame, "" if it could not be read."""
        return list(self._checked["frames"])

    @property
    def digests(self) -> np.ndarray:
        """(m,) uint64: the first 16 hexadecimal digits of the usable frames' hashes, enough to recognise them."""
        return np.array([int(self.hashes[row][:16], 16) for row in self.usable], np.uint64)

    @property
    def problems(self) -> dict[int, Problem]:
        """What is wrong with the files of single frames, by frame."""
        return {int(row): Problem(*fields) for row, fields in self._checked["problems"].items()}

    @cached_property
    def usable(self) -> np.ndarray:
        """(m,) the frames that are not excluded, ascending."""
        return np.array([row for row in range(len(self)) if row not in self.excluded], int)

    def people_in(self, frame: int) -> list[Person]:
        """Return the people in one frame."""
        first, last = np.searchsorted(self.people[:, 0], [frame, frame + 1])
        return [Person(*row) for row in self.people[first:last].tolist()]

    @cached_property
    def donors(self) -> dict[int, "Donors"]:
        """People who can be pasted into other frames, by class: upright and not cut off by the frame's edge."""
        frame, label, top, left, bottom, right, area = self.people.T
        height, (rows, columns) = bottom - top, self.size
        inside = (top > 0) & (left > 0) & (bottom < rows) & (right < columns)
        upright = height > 1.3 * (right - left)
        suitable = inside & upright & (area >= MIN_DONOR_PIXELS) & np.isin(frame, self.usable)
        weights = self.weights[frame]
        donors = {}
        for each in (PEOPLE, HERO):
            found = np.flatnonzero((label == each) & suitable)
            found = found[np.argsort(height[found], kind="stable")]
            donors[each] = Donors(found, height[found], np.cumsum(weights[found]))
        return donors

    @cached_property
    def categories(self) -> np.ndarray:
        """(n,) the stratum of each frame in sampling: 0 far target, 1 near target, 2 other people, 3 none of them."""
        nothing = np.zeros(len(self), int)
        target = nothing if self.classes.target is None else self.areas[:, self.classes.target]
        people = self.areas[:, PEOPLE] if self.classes == DEFAULT_CLASSES else nothing
        far = (target > 0) & (at_reference_size(target, self.size) < FAR_PIXELS)
        return np.select([far, target > 0, people > 0], [0, 1, 2], default=3)

    @cached_property
    def folders(self) -> np.ndarray:
        """(n,) the number of the folder of masks that each frame comes from: usually one person's, or one recording."""
        names = [each.pair.mask.folder for each in self.sources]
        return np.unique(names, return_inverse=True)[1] if names else np.zeros(0, int)

    @cached_property
    def focus_labels(self) -> tuple[int, ...]:
        """Classes whose pixels crops are focused on, the first of them that a frame shows."""
        if self.classes == DEFAULT_CLASSES:
            return HERO, PEOPLE
        return () if self.classes.target is None else (self.classes.target,)


@dataclass(frozen=True)
class Donors:
    """Rows of `PackedFrames.people` that can be pasted, by height in pixels, with running totals of their weights."""

    rows: np.ndarray
    heights: np.ndarray
    totals: np.ndarray

    def draw(self, min_height: float, max_height: float, random: np.random.Generator) -> int | None:
        """Return a row with a height in min_height <= height < max_height, as often as its weight says, or None."""
        first, last = np.searchsorted(self.heights, [min_height, max_height])
        if first == last:
            return None
        before = self.totals[first - 1] if first else 0.0
        point = random.uniform(before, self.totals[last - 1])
        return int(self.rows[min(np.searchsorted(self.totals, point, side="right"), last - 1)])


def _load(path: Path, mode: Any = None) -> np.ndarray:
    array: np.ndarray = np.load(path, mmap_mode=mode)
    return array
