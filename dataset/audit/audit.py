"""Audit labelled frames in the order of their runs: examine each once, then compare it with others."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import NamedTuple, TypeVar

import numpy as np

from dataset.audit.copies import find_copies, look_of
from dataset.audit.findings import Finding, Kind
from dataset.audit.masks import NEARBY, REDDER, Fit, fit_of, fits_better, swapped_by
from dataset.audit.people import Region, distant_people, hidden_people
from dataset.checks import inspect_pair
from dataset.images import decode_image
from dataset.masks.ignored import Box
from dataset.pairs import Pair
from dataset.problems import Problem
from dataset.schema import BACKGROUND

MOST_SWAPPED, MIN_SWAPPED = 0.8, 5  # of a run's frames that can be judged, from which on all of it is swapped
MIN_MISFITS = 3  # in a run; a single one is more likely someone in high grass
Item = TypeVar("Item")


class Frame(NamedTuple):
    """A frame of an audit, and whose it is: a name for tables."""

    pair: Pair
    source: str


class Examined(NamedTuple):
    """What a frame shows by itself."""

    frame: str  # of `frame_id`
    size: tuple[int, int]
    regions: tuple[Region, ...]
    fit: Fit
    swapped: float | None
    has_people: bool
    look: np.ndarray


class _Kept(NamedTuple):
    """What is remembered of a frame until all are read."""

    frame: Frame
    name: str
    size: tuple[int, int]
    look: np.ndarray

    def finding(self, kind: Kind, reason: str, score: float, same_as: str = "") -> Finding:
        """Return a defect of the whole frame."""
        region = Region(kind, "", Box(), score, certain=True, reason=reason)
        return replace(self.region(region), same_as=same_as)

    def region(self, region: Region) -> Finding:
        """Return a defect of a part of the frame."""
        return Finding(
            "yes" if region.certain else "no",
            region.kind,
            round(min(max(region.score, 0.0), 1.0), 3),
            self.frame.source,
            str(self.frame.pair.image),
            region.label,
            *region.box,
            *self.size,
            self.name,
            "",
            region.reason,
        )


def examine(frame: Frame) -> Examined | Problem:
    """Read a frame and look for what it shows by itself; what is wrong with its files, if it cannot be used."""
    inspected = inspect_pair(frame.pair)
    image, labels = inspected.image, inspected.labels
    if inspected.problem:
        return inspected.problem
    assert image is not None  # as long as there is no problem
    assert labels is not None
    return Examined(
        inspected.frame,
        (labels.shape[0], labels.shape[1]),
        (*hidden_people(image, labels), *distant_people(image, labels)),
        fit_of(image, labels),
        swapped_by(image, labels),
        bool((labels != BACKGROUND).any()),
        look_of(image),
    )


def audit(frames: Sequence[Frame], examined: Iterable[Examined | Problem]) -> tuple[list[Finding], list[Problem]]:
    """Return the findings, the plainest of each kind first, and the frames that cannot be used.

    `examined` are the frames in order, as `examine` returns them; it is read as it comes.
    """
    found, problems, kept = list[Finding](), list[Problem](), list[_Kept]()
    results = zip(frames, examined, strict=True)
    for _, run in groupby(results, key=lambda each: each[0].pair.recording):
        swapped, people, misfits = dict[int, float](), list[int](), list[Finding]()
        usable = _usable(run, problems)
        for (frame, each), others in _with_neighbours(usable, NEARBY):
            kept.append(_Kept(frame, each.frame, each.size, each.look))
            better = fits_better(each.fit, [other.fit for _, other in others])
            if better is not None:
                at, own, fit = better
                reason = (
                    f"it fits {others[at][0].pair.image.name} {fit / max(own, 0.1):.1f} times as well as its own image"
                )
                misfits.append(kept[-1].finding("other frame's mask", reason, 1 - own / fit))
                continue
            found += [kept[-1].region(region) for region in each.regions]
            if each.has_people:
                people.append(len(kept) - 1)
            if each.swapped is not None:
                swapped[len(kept) - 1] = each.swapped
        found += misfits if len(misfits) >= MIN_MISFITS else [replace(each, leave_out="no") for each in misfits]
        found += [kept[row].finding("swapped classes", reason, score) for row, reason, score in _swaps(swapped, people)]
    return sorted([*found, *_copies(kept)], key=lambda each: -each.score), problems


def _usable(
    run: Iterable[tuple[Frame, Examined | Problem]], problems: list[Problem]
) -> Iterator[tuple[Frame, Examined]]:
    for frame, each in run:
        if isinstance(each, Problem):
            problems.append(each)
        else:
            yield frame, each


def _with_neighbours(items: Iterable[Item], reach: int) -> Iterator[tuple[Item, list[Item]]]:
    """Yield each item with up to `reach` before and after it."""
    before, after = deque[Item](maxlen=reach), deque[Item]()
    for item in items:
        after.append(item)
        if len(after) > reach:
            current = after.popleft()
            yield current, [*before, *after]
            before.append(current)
    while after:
        current = after.popleft()
        yield current, [*before, *after]
        before.append(current)


def _swaps(judged: dict[int, float], people: Sequence[int]) -> Iterator[tuple[int, str, float]]:
    """Yield the frames of a run whose classes are swapped, why, and how plainly; all, if most of those judged are."""
    plain = {row: by for row, by in judged.items() if by >= REDDER}
    whole_run = len(plain) >= MIN_SWAPPED and len(plain) >= MOST_SWAPPED * len(judged)
    for row in people if whole_run else plain:
        if row in plain:
            yield row, "the people wear the target's red, and the target does not", 0.5 + plain[row]
        else:
            yield row, f"so they are in {len(plain)} of {len(judged)} frames of the run in which it can be seen", 0.5


def _copies(kept: Sequence[_Kept]) -> Iterator[Finding]:
    if len(kept) < 2:
        return

    def read(row: int) -> np.ndarray:
        image = kept[row].frame.pair.image
        return decode_image(image.read(), image)

    for row, first, is_mirrored, difference in find_copies(np.stack([each.look for each in kept]), read):
        kind: Kind = "mirrored copy" if is_mirrored else "copy"
        reason = f"of {kept[first].frame.pair.image}"
        yield kept[row].finding(kind, reason, 1 - 0.5 * difference, same_as=kept[first].name)
