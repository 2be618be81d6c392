"""Find the labelled frames of a training, and hold some of them out for validation."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from config.paths import path_of, split_path
from dataset.archives import DatasetError
from dataset.masks.colours import MaskColours
from dataset.pairs import Pair, classes_of, describe_colours, find_pairs
from dataset.problems import Problem
from dataset.schema import Classes
from model.data import splits

MAX_RECORDING_WEIGHT = 10.0


@dataclass(frozen=True)
class SourceFrame:
    """A labelled frame, the argument of the command line that it comes from, and how often it is drawn."""

    pair: Pair
    origin: str
    weight: float = 1.0


@dataclass(frozen=True)
class DataSources:
    """The frames of a training before they are decoded."""

    train: tuple[SourceFrame, ...]
    validation: tuple[SourceFrame, ...]
    explicit: bool  # the user chose the validation frames; otherwise they are held out by default
    problems: tuple[Problem, ...]  # with names and folders
    notes: tuple[str, ...]  # sentences for the user
    classes: Classes


def collect(
    data: Sequence[str],
    recordings: Sequence[str] = (),
    validation: Sequence[str] = (),
    hold_out: Sequence[str] = (),
    hold_out_by_default: bool = True,
    colours: MaskColours | None = None,
) -> DataSources:
    """Find the frames. Pseudo-labelled ones are used for training only: validation needs ground truth.

    `data` and `recordings` are folders or zips, with or without `:WEIGHT`. All recordings together are drawn as often
    as all of `data`, so that neither many old frames outweigh a few new ones, nor the other way round. `hold_out` are
    names, or parts of names, of recordings among them to validate on. What a dataset itself keeps for validation is not
    trained on, unless `hold_out_by_default` is false. `colours` are those of data that do not name any.

    Raises DatasetError if a source does not exist or is no dataset, if their classes differ, or if `hold_out` matches
    no recording.
    """
    problems: list[Problem] = []
    found = [
        [frame for value in values for frame in _find(*parse_source(value), problems, colours)]
        for values in (data, recordings)
    ]
    others, recorded = (_rows(part, splits.without_testing) for part in found)
    frames, first_recorded = others + recorded, len(others)
    validation_frames = [
        frame
        for path in validation
        for frame in _rows(_find(path_of(path), 1.0, problems, colours), splits.for_validation)
    ]

    pairs = [frame.pair for frame in [*frames, *validation_frames]]
    classes, notes = classes_of(pairs), describe_colours(pairs)
    if testing := sum(map(len, found)) - len(frames):
        notes.append(f"{testing} frames for testing are left out")
    held_out, left_out = set[int](), set[int]()
    if hold_out:
        present = {frame.pair.recording for frame in frames}
        names = set().union(*(_recordings_named(name, present) for name in hold_out))
        held_out = {row for row, frame in enumerate(frames) if frame.pair.recording in names}
        notes.append(f"held out: {', '.join(sorted(names))}")
    elif hold_out_by_default and not validation:
        rows, left_out = splits.hold_out([frame.pair for frame in frames])
        held_out = {row for row in rows if not frames[row].pair.pseudo_labelled}
        validated = {frames[row].pair.recording for row in held_out}
        left_out |= {row for row in rows - held_out if frames[row].pair.recording in validated}
        if left_out:
            notes.append(f"{len(left_out)} frames beside those that are held out are left out of training")
    if hold_out_by_default:
        spared = {row for row, frame in enumerate(frames) if frame.pair.split == "validation"} - held_out
        if spared:
            notes.append(f"{len(spared)} frames that their dataset keeps for validation are left out of training")
        left_out |= spared
    kept = [row for row in range(len(frames)) if row not in held_out | left_out]
    train = _balance(
        [frames[row] for row in kept if row < first_recorded], [frames[row] for row in kept if row >= first_recorded]
    )
    validation_frames += [frames[row] for row in sorted(held_out)]
    for part, use, consequence in (
        (train, "training", "their errors are learned, too"),
        (validation_frames, "validation", "they are left out"),
    ):
        if count := sum(frame.pair.pseudo_labelled for frame in part):
            notes.append(f"{count} of {len(part)} {use} frames are pseudo-labelled: {consequence}")
    return DataSources(
        train=tuple(train),
        validation=tuple(frame for frame in validation_frames if not frame.pair.pseudo_labelled),
        explicit=bool(validation or hold_out),
        problems=tuple(problems),
        notes=tuple(notes),
        classes=classes,
    )


def parse_source(value: str) -> tuple[Path, float]:
    """Return path and weight of `PATH` or `PATH:WEIGHT`; a path that exists as it stands has no weight.

    Raises DatasetError for a weight of 0 or less.
    """
    path, text = split_path(value, ":")
    if not text:
        return path, 1.0
    try:
        weight = float(text)
    except ValueError:
        weight = float("nan")
    if not 0 < weight < float("inf"):
        raise DatasetError(f"expected a weight above 0 in {value!r}, got {text}")
    return path, weight


def _find(path: Path, weight: float, problems: list[Problem], colours: MaskColours | None) -> list[SourceFrame]:
    """Return the frames of a source, and append to `problems` what is wrong with it."""
    pairs, found = find_pairs(path, colours)
    if not pairs and not found:
        found = [Problem("empty", str(path), "no labelled frame in it")]
    problems += found
    return [SourceFrame(pair, str(path), weight) for pair in pairs]


def _rows(frames: Sequence[SourceFrame], choose: Callable[[Sequence[Pair]], set[int]]) -> list[SourceFrame]:
    """Return the frames whose rows are chosen."""
    chosen = choose([frame.pair for frame in frames])
    return [frame for row, frame in enumerate(frames) if row in chosen]


def _balance(others: list[SourceFrame], recorded: list[SourceFrame]) -> list[SourceFrame]:
    """Return all frames, the recorded ones with weights by which they are drawn as often as the others, within limits.

    These are of the frames that are trained on: many may have been held out.
    """
    if not others or not recorded:
        return others + recorded
    ratio = sum(frame.weight for frame in others) / sum(frame.weight for frame in recorded)
    factor = min(ratio, MAX_RECORDING_WEIGHT)
    return others + [replace(frame, weight=frame.weight * factor) for frame in recorded]


def _recordings_named(name: str, recordings: set[str]) -> set[str]:
    """Return the recordings called `name`; else those whose name ends with it (`run6`: `0_run6`), else contains it."""
    word = re.escape(name)
    for pattern in (rf"(^|/){word}(/|$)", rf"_{word}(/|$)", word):
        if found := {recording for recording in recordings if re.search(pattern, recording)}:
            return found
    raise DatasetError(f"--hold-out: no recording is called {name}; there are {', '.join(sorted(recordings))}")
