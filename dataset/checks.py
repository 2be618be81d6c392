"""Check labelled frames: that the files can be read, that images and masks fit, and that the labels can be true."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import NamedTuple

import numpy as np

from dataset.archives import DatasetError
from dataset.images import decode_image
from dataset.masks.labels import class_areas
from dataset.pairs import MaskError, Pair, decode_labels_of, frame_id
from dataset.problems import Problem
from dataset.schema import BACKGROUND, HERO, PEOPLE

# Of a folder's masks may show people and hero in most pixels: the camera was inside a person, in the official data in
# up to 0.2 % of the frames.
MAX_CROWDED = 0.1
MIN_CROWDED = 3  # masks, fewer if these are all


class Inspected(NamedTuple):
    """A pair as read once: what is wrong with it, and what could be read in spite of that."""

    image_digest: str  # SHA-256; "" if the file could not be read
    frame: str  # of `frame_id`; ""
    image: np.ndarray | None
    labels: np.ndarray | None
    problem: Problem | None


def inspect_pair(pair: Pair) -> Inspected:
    """Read each file of a pair once, and check that they fit."""
    digest, frame, image = "", "", None
    try:
        data = pair.image.read()
        digest = sha256(data).hexdigest()
        image = decode_image(data, pair.image)
        mask = pair.mask.read()
        frame = frame_id(data, mask)
        labels = decode_labels_of(pair, mask)
    except MaskError as error:
        return Inspected(digest, frame, image, None, Problem("colours", str(pair.mask), str(error)))
    except (DatasetError, OSError) as error:
        return Inspected(digest, frame, image, None, Problem("unreadable", pair.name, str(error)))
    problem = None
    if image.shape[:2] != labels.shape:
        reason = f"image is {image.shape[1]}x{image.shape[0]} but its mask {labels.shape[1]}x{labels.shape[0]}"
        problem = Problem("size", str(pair.mask), reason)
    return Inspected(digest, frame, image, labels, problem)


def check_pairs(pairs: Sequence[Pair]) -> dict[int, Problem]:
    """Return what is wrong inside the files, by index in `pairs`."""

    def check(pair: Pair) -> tuple[np.ndarray, Problem | None]:
        inspected = inspect_pair(pair)
        return class_areas(inspected.labels, pair.colours.classes), inspected.problem

    with ThreadPoolExecutor(2) as pool:  # decoding releases the interpreter's lock
        checked = list(pool.map(check, pairs))
    problems = {index: problem for index, (_, problem) in enumerate(checked) if problem}
    return impossible_shares(pairs, [areas for areas, _ in checked]) | problems


def impossible_shares(pairs: Sequence[Pair], areas: Iterable[np.ndarray]) -> dict[int, Problem]:
    """Return a problem for each mask that shows mostly people or hero, by index in `pairs`, in folders with many such.

    `areas` are the pixels of each class, of each pair. Only where the meaning of the colours is not certain.
    """
    folders: dict[str, dict[int, np.ndarray]] = defaultdict(dict)
    for index, (pair, each) in enumerate(zip(pairs, areas, strict=True)):
        if not pair.colours.certain and each.any():
            folders[pair.mask.folder][index] = each / each.sum()
    problems: dict[int, Problem] = {}
    for folder, shares in folders.items():
        crowded = [index for index, share in shares.items() if share[BACKGROUND] < 0.5]
        if len(crowded) >= min(MIN_CROWDED, len(shares)) and len(crowded) > MAX_CROWDED * len(shares):
            numbers = pairs[crowded[0]].colours.are_numbers
            question = "have 0, 1 and 2 another meaning" if numbers else "are red and blue swapped"
            people, hero = np.mean([shares[index][[PEOPLE, HERO]] for index in crowded], axis=0)
            reason = (
                f"in {len(crowded)} of {len(shares)} masks most pixels are people ({people:.1%} on average) or"
                f" hero ({hero:.1%}): {question}?"
            )
            problems |= {index: Problem("shares", folder, reason) for index in crowded}
    return problems
