"""Exclude unfit frames from the packed training and validation sets, and describe what the sets share."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dataset.checks import impossible_shares
from dataset.problems import Problem
from dataset.schema import BACKGROUND, DEFAULT_CLASSES
from model.data.packed_frames import PackedFrames
from model.data.sources import DataSources


@dataclass(frozen=True)
class CleanSplit:
    """Packed frames without the unfit ones, why those are excluded, and notes for the user."""

    train: PackedFrames
    validation: PackedFrames | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def clean_split(sources: DataSources, train: PackedFrames, validation: PackedFrames | None) -> CleanSplit:
    """Exclude masks that cannot be true, and training images that are in validation, too."""
    parts = [train] if validation is None else [train, validation]
    problems = [*sources.problems, *(problem for part in parts for problem in part.problems.values())]
    notes = list(sources.notes)
    cleaned: list[PackedFrames] = []
    # Frames that are held out by default belong to the training sources, so both parts are checked together.
    for group in [[part] for part in parts] if sources.explicit else [parts]:
        pairs = [each.pair for part in group for each in part.sources]
        crowded = impossible_shares(pairs, np.concatenate([part.areas for part in group]))
        problems += crowded.values()
        origins = _uniform(group)
        problems += [
            Problem("background", origin, f"{reason}: there is nothing to learn or to measure")
            for origin, reason in origins.items()
        ]
        first = 0
        for part in group:
            unfit = {row for row, each in enumerate(part.sources) if each.origin in origins or first + row in crowded}
            cleaned.append(part.exclude(unfit))
            first += len(part)
    train = cleaned[0]
    validation = cleaned[1] if len(cleaned) > 1 and len(cleaned[1].usable) else None
    if validation is not None:
        images = {validation.hashes[row]: row for row in validation.usable.tolist()}
        shared = [row for row in train.usable.tolist() if train.hashes[row] in images]
        if sources.explicit:
            for row in shared:
                same = validation.sources[images[train.hashes[row]]].pair.image
                problems.append(Problem("in validation", str(train.sources[row].pair.image), f"same picture as {same}"))
        elif shared:
            notes.append(f"{len(shared)} frames are excluded from training, because the same picture is held out")
        train = train.exclude(shared)
    counts = Counter(train.hashes[row] for row in train.usable)
    if repeated := [row for row in train.usable if counts[train.hashes[row]] > 1]:
        names = ", ".join(str(train.sources[row].pair.image) for row in repeated[:3])
        notes.append(f"{len(repeated)} training frames occur more than once (same picture), e.g. {names}")
    return CleanSplit(train, validation, tuple(problems), tuple(notes))


def _uniform(parts: Sequence[PackedFrames]) -> dict[str, str]:
    """Return the sources whose masks are all ignored or show only background in all of these parts, and which of both.

    In datasets with classes of their own, those that show only one class, whichever, too.
    """
    found = {}
    for origin in dict.fromkeys(each.origin for part in parts for each in part.sources):
        areas = [part.areas[row] for part in parts for row in part.usable if part.sources[row].origin == origin]
        if not areas:
            continue
        shown = np.flatnonzero(np.any(areas, axis=0))
        if not len(shown):
            found[origin] = f"every pixel is ignored in all {len(areas)} masks"
        elif len(shown) == 1 and (shown[0] == BACKGROUND or parts[0].classes != DEFAULT_CLASSES):
            found[origin] = f"all {len(areas)} masks are {parts[0].classes.names[shown[0]]} only"
    return found


def merge_seen_in_training(digests: np.ndarray, others: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Return the digests of a training set and of those of the models it starts from; None if one is unknown."""
    known = [each for each in others if each is not None]
    return np.unique(np.concatenate([digests, *known])) if len(known) == len(others) else None


def describe_validation(validation: PackedFrames, explicit: bool, seen_in_training: np.ndarray | None) -> str:
    """Return, in sentences for a report, which frames two models are compared on and which model they favour.

    `seen_in_training` are `PackedFrames.digests` of the frames the old model was trained on; None if unknown.
    """
    counts = Counter(validation.sources[row].origin for row in validation.usable)
    origins = ", ".join(f"{count} of {origin}" for origin, count in counts.items())
    default = "" if explicit else ", held out of the data by default"
    if seen_in_training is None:
        overlap = "The old model's file does not record whether it was trained on some of them"
    elif count := int(np.isin(validation.digests, seen_in_training).sum()):
        overlap = f"The old model was trained on {count} of them, which favours it: --validation takes others"
    else:
        overlap = "The old model was trained on none of them"
    corrected = int(validation.corrected[validation.usable].sum())
    people = f" A person corrected the labels of {corrected} of them." if corrected else ""
    return (
        f"Measured on {len(validation.usable)} frames: {origins}{default}.{people} {overlap}."
        " The new model was selected on these same frames during training, which favours it slightly."
    )
