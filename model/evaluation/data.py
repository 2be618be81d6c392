"""Labelled frames to measure on: which set each belongs to, and whether all can be used."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.console import Console

from dataset.archives import DatasetError, member_path
from dataset.pairs import Pair, check_pairs, find_pairs, summarise_problems
from model.console import print_plain
from model.evaluation.results import ALL_FRAMES, OFFICIAL_SETS


class EvaluationError(ValueError):
    """The data cannot be evaluated as it is; the message says what is missing."""


def read_data(
    source: Path, limit: int | None, console: Console, skip_bad: bool = False
) -> tuple[list[Pair], list[str]]:
    """Return the pairs to evaluate and the set of each, after checking all their files.

    Args:
        source: a folder or .zip with images/ and masks/.
        limit: at most this many frames, evenly spread; None for all.
        skip_bad: leave out bad frames, with a warning, instead of raising DatasetError.

    Raises EvaluationError, and DatasetError that lists the bad frames.
    """
    pairs, problems = find_pairs(source)
    names = set_names(pairs, source) if pairs else []
    rows = list(range(len(pairs)))
    if limit and limit < len(pairs):
        rows = np.linspace(0, len(pairs) - 1, limit).round().astype(int).tolist()
    with console.status("checking the frames"):
        bad = check_pairs([pairs[row] for row in rows])
    problems += bad.values()
    if problems and not skip_bad:
        raise DatasetError(f"{summarise_problems(problems)}\nrepair the data, or leave these out with --skip-bad")
    if problems:
        print_plain(console, f"left out, {summarise_problems(problems)}", "yellow")
    rows = [row for index, row in enumerate(rows) if index not in bad]
    if not rows:
        raise EvaluationError(f"expected images with masks in {source}, found no pair")
    pairs, names = [pairs[row] for row in rows], [names[row] for row in rows]
    if count := sum(pair.pseudo_labelled for pair in pairs):
        text = (
            f"{count} of {len(pairs)} masks are pseudo-labels of a model: they measure agreement with it, not accuracy"
        )
        print_plain(console, text, "yellow")
    return pairs, names


def set_names(pairs: Sequence[Pair], source: str | Path) -> list[str]:
    """Return the set of each pair: the official one whose folder it lies in below `source`, else ALL_FRAMES.

    Raises EvaluationError when some of the official sets are missing, or frames lie beside them.
    """
    names = [_set_name(pair, Path(source)) for pair in pairs]
    present = set(names)
    if present in ({ALL_FRAMES}, set(OFFICIAL_SETS)):
        return names
    missing = [name for name in OFFICIAL_SETS if name not in present]
    if missing:
        raise EvaluationError(
            f"expected the sets {', '.join(OFFICIAL_SETS)} in {source}, but {' and '.join(missing)} "
            f"{'are' if len(missing) > 1 else 'is'} missing or empty; to evaluate one set alone, give its own folder"
        )
    stray = pairs[names.index(ALL_FRAMES)]
    raise EvaluationError(f"expected only {', '.join(OFFICIAL_SETS)} in {source}, but {stray.image} lies beside them")


def _set_name(pair: Pair, source: Path) -> str:
    parts = member_path(pair.mask.member).parts if pair.mask.member else pair.mask.path.relative_to(source).parts
    return next((name for name in OFFICIAL_SETS if name in parts), ALL_FRAMES)
