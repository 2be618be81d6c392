"""What a training learns from and is measured on: gathers frames, holds some out, and judges what is wrong with them.

Reads names and what `frames.pack` found; decodes nothing itself.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from dataset.archives import DatasetError
from dataset.pairs import Pair, Problem, find_pairs
from model.data.packed_frames import Frames

STRETCH = 1000  # frames of a run of which one stretch of a twentieth is held out
MOST_REPEATED = 10.0  # how many times as often as another frame one of a recording is drawn at most


@dataclass(frozen=True)
class Gathered:
    """Labelled frames before anything was decoded; the sequences run parallel.

    Attributes:
        pairs, weights, origins: to learn from, how often each is drawn, and which argument it came from.
        held, held_origins: to measure on.
        chosen: the user said what to measure on; false where frames were held out by default.
        problems: of names and folders.
        notes: what is worth knowing besides.
    """

    pairs: tuple[Pair, ...]
    weights: np.ndarray
    origins: tuple[str, ...]
    held: tuple[Pair, ...]
    held_origins: tuple[str, ...]
    chosen: bool
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Judged:
    """Packed frames with those left out that are not fit, why, and what is worth knowing besides."""

    frames: Frames
    validation: Frames | None
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]


def gather(
    data: Sequence[str],
    recordings: Sequence[str] = (),
    validation: Sequence[str] = (),
    hold_out: Sequence[str] = (),
    validate: bool = True,
) -> Gathered:
    """Finds the frames. Those that a model labelled are learnt from, but not measured on: it would be its own judge.

    Args:
        data: `PATH` or `PATH:WEIGHT`, folders or zips.
        recordings: likewise; together they are drawn as often as all of `data` together, so that many old frames do not
            drown few new ones, nor the other way round.
        validation: folders or zips to measure on.
        hold_out: runs in `data` and `recordings` that are measured on, not learnt from, by (parts of) their names.
        validate: without `validation` and `hold_out`, hold out a twentieth.

    Raises DatasetError when a source does not exist or is none, or no run is called like one of `hold_out`.
    """
    pairs, weights, origins, problems = [], [], [], []
    for values, is_recording in ((data, False), (recordings, True)):
        first = len(pairs)
        for value in values:
            path, weight = parse_source(value)
            found, wrong = _find(path)
            pairs += found
            problems += wrong
            weights += [weight] * len(found)
            origins += [str(path)] * len(found)
        others, own = sum(weights[:first]), sum(weights[first:])
        if is_recording and others and own:
            factor = min(others / own, MOST_REPEATED)
            weights[first:] = [weight * factor for weight in weights[first:]]
    held, held_origins = [], []
    for path in map(Path, validation):
        found, wrong = _find(path)
        held += found
        problems += wrong
        held_origins += [str(path)] * len(found)
    out, notes = set(), []
    if hold_out:
        runs = {pair.recording for pair in pairs}
        chosen = set().union(*(_runs_called(name, runs) for name in hold_out))
        out = {row for row, pair in enumerate(pairs) if pair.recording in chosen}
        notes.append(f"held out: {', '.join(sorted(chosen))}")
    elif validate and not validation:
        out = {row for row in stretches(pairs) if not pairs[row].pseudo_labelled}
    held += [pairs[row] for row in sorted(out)]
    held_origins += [origins[row] for row in sorted(out)]
    keep = [row for row in range(len(pairs)) if row not in out]
    notes += _tell_model_labels([pairs[row] for row in keep], held)
    trusted = [row for row, pair in enumerate(held) if not pair.pseudo_labelled]
    return Gathered(
        pairs=tuple(pairs[row] for row in keep),
        weights=np.array([weights[row] for row in keep], float),
        origins=tuple(origins[row] for row in keep),
        held=tuple(held[row] for row in trusted),
        held_origins=tuple(held_origins[row] for row in trusted),
        chosen=bool(validation or hold_out),
        problems=tuple(problems),
        notes=tuple(notes),
    )


def parse_source(value: str) -> tuple[Path, float]:
    """`PATH` or `PATH:WEIGHT`; a Windows drive letter is no weight. DatasetError for a weight of 0 or less."""
    path, _, text = value.rpartition(":")
    try:
        weight = float(text) if path else 1.0
    except ValueError:
        return Path(value), 1.0
    if not 0 < weight < float("inf"):
        raise DatasetError(f"expected a weight above 0 in {value!r}, got {text}")
    return Path(path or value), weight


def stretches(pairs: Sequence[Pair]) -> set[int]:
    """The middle twentieth of every thousand frames of each run: neighbours stay together, every run is measured.

    The same frames each time. Runs of fewer than 20 frames give none.
    """
    runs = defaultdict(list)
    for row, pair in enumerate(pairs):
        runs[pair.recording].append(row)
    out = set()
    for rows in runs.values():
        for block in np.array_split(rows, max(1, round(len(rows) / STRETCH))):
            count = len(block) // 20
            first = (len(block) - count) // 2
            out.update(block[first : first + count].tolist())
    return out


def _runs_called(name: str, runs: set[str]) -> set[str]:
    """The runs of that name; else those whose name ends with it, as `run6` of `0_run6`; else those that hold it."""
    word = re.escape(name)
    for pattern in (rf"(^|/){word}(/|$)", rf"_{word}(/|$)", word):
        if found := {run for run in runs if re.search(pattern, run)}:
            return found
    raise DatasetError(f"--hold-out: no run is called {name}; there are {', '.join(sorted(runs))}")


def judge(gathered: Gathered, frames: Frames, validation: Frames | None) -> Judged:
    """Adds what packing found, sets of nothing but background, and frames that are in training and validation."""
    parts = [(frames, gathered.origins, set(frames.problems))]
    if validation is not None:
        parts.append((validation, gathered.held_origins, set(validation.problems)))
    problems = [*gathered.problems, *(each for part, _, _ in parts for each in part.problems.values())]
    for together in [[part] for part in parts] if gathered.chosen else [parts]:
        problems += _leave_out_nobody(together)
    bad, notes = parts[0][-1], list(gathered.notes)
    if validation is not None:
        validation = replace(validation, left_out=frozenset(parts[1][-1]))
        measured = {validation.hashes[row]: row for row in validation.used}
        shared = [row for row in range(len(frames)) if row not in bad and frames.hashes[row] in measured]
        for row in shared if gathered.chosen else ():
            twin = gathered.held[measured[frames.hashes[row]]].image
            problems.append(Problem("in validation", str(gathered.pairs[row].image), f"same picture as {twin}"))
        if shared and not gathered.chosen:
            notes.append(f"{len(shared)} frames are not learnt from, because the same picture is held out")
        bad |= set(shared)
        if not len(validation.used):
            validation = None
    counts = Counter(frames.hashes[row] for row in range(len(frames)) if row not in bad)
    if twice := [row for row in range(len(frames)) if counts[frames.hashes[row]] > 1 and row not in bad]:
        names = ", ".join(str(gathered.pairs[row].image) for row in twice[:3])
        notes.append(f"{len(twice)} frames to learn from are there more than once (same picture), e.g. {names}")
    frames = replace(frames, weights=tuple(gathered.weights.tolist()), left_out=frozenset(bad))
    return Judged(frames, validation, tuple(problems), tuple(notes))


def merge_seen_in_training(digests: np.ndarray, others: Sequence[np.ndarray | None]) -> np.ndarray | None:
    """Return the digests of a training set and of those of the models it starts from; None if one is unknown."""
    known = [each for each in others if each is not None]
    return np.unique(np.concatenate([digests, *known])) if len(known) == len(others) else None


def tell_measured(gathered: Gathered, validation: Frames, seen_in_training: np.ndarray | None) -> str:
    """What a retrained model is compared with the old one on, and whom that favours, in sentences for a report.

    `seen_in_training`: the `Frames.digests` of what the old model was trained on; None where that is not known.
    """
    counts = Counter(gathered.held_origins[row] for row in validation.used)
    sources = ", ".join(f"{count} of {origin}" for origin, count in counts.items())
    default = "" if gathered.chosen else ", held out of the data by default"
    if seen_in_training is None:
        known = "Which of them the old model learnt, its file does not tell"
    elif count := int(np.isin(validation.digests, seen_in_training).sum()):
        known = f"The old model learnt {count} of them, which favours it: --validation takes others"
    else:
        known = "The old model learnt none of them"
    return (
        f"Measured on {len(validation.used)} frames: {sources}{default}. {known}."
        " The new model was picked on these same frames while it learnt, which favours it a little."
    )


def _tell_model_labels(learnt: Sequence[Pair], held: Sequence[Pair]) -> tuple[str, ...]:
    """A sentence for each of the two that has such frames."""
    told = []
    for pairs, use, consequence in (
        (learnt, "to learn from", "its mistakes are learnt, too"),
        (held, "to measure on", "these are left out"),
    ):
        if count := sum(pair.pseudo_labelled for pair in pairs):
            told.append(
                f"{count} of {len(pairs)} frames {use} are labelled by a model, not by the simulator: {consequence}"
            )
    return tuple(told)


def _leave_out_nobody(parts: Sequence[tuple[Frames, Sequence[str], set[int]]]) -> Iterable[Problem]:
    """Adds the frames of sources that show nobody in any of the parts to what is bad in each."""
    for origin in dict.fromkeys(origin for _, origins, _ in parts for origin in origins):
        rows = [
            [row for row, each in enumerate(origins) if each == origin and row not in bad] for _, origins, bad in parts
        ]
        areas = np.concatenate([frames.areas[some] for some, (frames, _, _) in zip(rows, parts, strict=True)])
        if len(areas) and not areas[:, 1:].any():
            reason = f"all {len(areas)} masks are background only: nobody to learn from or to measure"
            yield Problem("background", origin, reason)
            for some, (_, _, bad) in zip(rows, parts, strict=True):
                bad.update(some)


def _find(path: Path) -> tuple[list[Pair], list[Problem]]:
    found, wrong = find_pairs(path)
    if not found and not wrong:
        wrong = [Problem("empty", str(path), "no labelled frame in it")]
    return found, wrong
