"""Exclude unfit frames from the packed training and validation sets, and describe what the sets share."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from dataset.pairs import Problem
from dataset.schema import BACKGROUND
from model.data.packed_frames import PackedFrames
from model.data.sources import DataSources, SourceFrame


@dataclass(frozen=True)
class CleanSplit:
    """Packed frames without the unfit ones, why those are excluded, and notes for the user."""

    train: PackedFrames
    validation: PackedFrames | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@dataclass
class _Part:
    """One of the two sets while it is cleaned."""

    sources: Sequence[SourceFrame]
    frames: PackedFrames

    def rows_of(self, origin: str) -> list[int]:
        return [row for row in self.frames.usable.tolist() if self.sources[row].origin == origin]

    def exclude(self, rows: Sequence[int]) -> None:
        self.frames = replace(self.frames, excluded=self.frames.excluded.union(rows))


def clean_split(sources: DataSources, train: PackedFrames, validation: PackedFrames | None) -> CleanSplit:
    """Exclude sources that show only background, and training images that are in validation, too."""
    learned = _Part(sources.train, replace(train, weights=tuple(each.weight for each in sources.train)))
    measured = _Part(sources.validation, validation) if validation is not None else None
    parts = [part for part in (learned, measured) if part is not None]
    problems = [*sources.problems, *(problem for part in parts for problem in part.frames.problems.values())]
    # What is held out by default is a part of the same sources.
    for together in [[part] for part in parts] if sources.explicit else [parts]:
        problems += _exclude_background(together)
    notes = list(sources.notes)
    if measured is not None:
        images = {measured.frames.hashes[row]: row for row in measured.frames.usable.tolist()}
        shared = [row for row in learned.frames.usable.tolist() if train.hashes[row] in images]
        if sources.explicit:
            for row in shared:
                same = sources.validation[images[train.hashes[row]]].pair.image
                problems.append(Problem("in validation", str(sources.train[row].pair.image), f"same picture as {same}"))
        elif shared:
            notes.append(f"{len(shared)} frames are excluded from training, because the same picture is held out")
        learned.exclude(shared)
    counts = Counter(train.hashes[row] for row in learned.frames.usable)
    if repeated := [row for row in learned.frames.usable if counts[train.hashes[row]] > 1]:
        names = ", ".join(str(sources.train[row].pair.image) for row in repeated[:3])
        notes.append(f"{len(repeated)} training frames occur more than once (same picture), e.g. {names}")
    validated = measured.frames if measured is not None and len(measured.frames.usable) else None
    return CleanSplit(learned.frames, validated, tuple(problems), tuple(notes))


def _exclude_background(parts: Sequence[_Part]) -> Iterator[Problem]:
    """Exclude sources that show only background in all of these parts."""
    for origin in dict.fromkeys(frame.origin for part in parts for frame in part.sources):
        areas = np.concatenate([part.frames.areas[part.rows_of(origin)] for part in parts])
        if len(areas) and not np.delete(areas, BACKGROUND, axis=1).any():
            reason = f"all {len(areas)} masks are background only: there is nothing to learn"
            yield Problem("background", origin, reason)
            for part in parts:
                part.exclude(part.rows_of(origin))


def merge_seen_in_training(digests: np.ndarray, others: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Return the digests of a training set and of those of the models it starts from; None if one is unknown."""
    known = [each for each in others if each is not None]
    return np.unique(np.concatenate([digests, *known])) if len(known) == len(others) else None


def describe_validation(sources: DataSources, validation: PackedFrames, seen_in_training: np.ndarray | None) -> str:
    """Return, in sentences for a report, which frames two models are compared on and which model they favour.

    `seen_in_training` are `PackedFrames.digests` of the frames the old model was trained on; None if unknown.
    """
    counts = Counter(sources.validation[row].origin for row in validation.usable)
    origins = ", ".join(f"{count} of {origin}" for origin, count in counts.items())
    default = "" if sources.explicit else ", held out of the data by default"
    if seen_in_training is None:
        overlap = "The old model's file does not record whether it was trained on some of them"
    elif count := int(np.isin(validation.digests, seen_in_training).sum()):
        overlap = f"The old model was trained on {count} of them, which favours it: --validation takes others"
    else:
        overlap = "The old model was trained on none of them"
    return (
        f"Measured on {len(validation.usable)} frames: {origins}{default}. {overlap}."
        " The new model was selected on these same frames during training, which favours it slightly."
    )
