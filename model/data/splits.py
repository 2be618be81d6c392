"""Which labelled frames are held out for validation, and which are used for neither that nor training.

Some datasets come divided into training, validation and testing (`Pair.split`). Frames for testing are never used here.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from dataset.pairs import Pair

BLOCK_FRAMES = 1000  # of a recording, of which one block of HELD_OUT is validated
HELD_OUT = 20  # one frame of this many
HELD_OUT_OF_SCENES = 5  # likewise, of the short scenes of datasets that come divided, but without frames for validation


def without_testing(pairs: Sequence[Pair]) -> set[int]:
    """Return the rows that may be trained or validated on."""
    return {row for row, pair in enumerate(pairs) if pair.split != "testing"}


def for_validation(pairs: Sequence[Pair]) -> set[int]:
    """Return the rows of a validation set to use: where it comes divided, those for validation, if there are any."""
    usable = without_testing(pairs)
    return {row for row in usable if pairs[row].split != "training"} or usable


def hold_out(pairs: Sequence[Pair]) -> tuple[set[int], set[int]]:
    """Return the rows to validate on, and those that are left out because they resemble them, the same ones each time.

    A dataset's own frames for validation; of each other recording contiguous blocks, so that few neighbouring frames
    are split: the middle twentieth of every thousand frames. Of a short scene it is the middle fifth, and the frames
    beside that are left out.
    """
    held_out = {row for row, pair in enumerate(pairs) if pair.split == "validation"}
    divided = {_dataset(pairs[row]) for row in held_out}
    recordings: dict[str, list[int]] = defaultdict(list)
    for row, pair in enumerate(pairs):
        if pair.split is None or (pair.split == "training" and _dataset(pair) not in divided):
            recordings[pair.recording].append(row)
    left_out: set[int] = set()
    for rows in recordings.values():
        is_scene = pairs[rows[0]].split is not None
        for part in np.array_split(rows, max(1, round(len(rows) / BLOCK_FRAMES))):
            count = len(part) // (HELD_OUT_OF_SCENES if is_scene else HELD_OUT)
            first = (len(part) - count) // 2
            held_out.update(part[first : first + count].tolist())
            if is_scene and count:
                left_out.update((part[first - 1].item(), part[first + count].item()))
    return held_out, left_out


def _dataset(pair: Pair) -> str:
    """Return what the recordings of a divided dataset have in common, `data_road` of `data_road/training/um`."""
    return pair.recording.rsplit("/", 2)[0]
