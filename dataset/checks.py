"""Check labelled frames: that the files can be read, that images and masks fit, and that the labels can be true."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import numpy as np

from dataset.archives import DatasetError
from dataset.images import decode_image
from dataset.pairs import MaskError, Pair, read_labels
from dataset.problems import Problem
from dataset.schema import BACKGROUND, CLASSES, HERO, PEOPLE

LEAST_BACKGROUND = 0.5  # of all pixels in a folder of masks; in the official data it is 0.95 and more


def inspect_pair(pair: Pair) -> tuple[str, np.ndarray | None, np.ndarray | None, Problem | None]:
    """Read each file of a pair once; return the image's SHA-256, image, labels (where readable), and what is wrong."""
    digest, image = "", None
    try:
        data = pair.image.read()
        digest = sha256(data).hexdigest()
        image = decode_image(data, pair.image)
        labels = read_labels(pair)
    except MaskError as error:
        return digest, image, None, Problem("colours", str(pair.mask), str(error))
    except (DatasetError, OSError) as error:
        return digest, image, None, Problem("unreadable", pair.name, str(error))
    if image.shape[:2] != labels.shape:
        reason = f"image is {image.shape[1]}x{image.shape[0]} but its mask {labels.shape[1]}x{labels.shape[0]}"
        return digest, image, labels, Problem("size", str(pair.mask), reason)
    return digest, image, labels, None


def check_pairs(pairs: Sequence[Pair]) -> dict[int, Problem]:
    """Return what is wrong inside the files, by index in `pairs`."""

    def check(pair: Pair) -> tuple[np.ndarray, Problem | None]:
        _, _, labels, problem = inspect_pair(pair)
        return class_areas(labels), problem

    with ThreadPoolExecutor(2) as pool:  # decoding releases the interpreter's lock
        checked = list(pool.map(check, pairs))
    problems = {index: problem for index, (_, problem) in enumerate(checked) if problem}
    return impossible_shares(pairs, [areas for areas, _ in checked]) | problems


def class_areas(labels: np.ndarray | None) -> np.ndarray:
    """Return the number of pixels of each class, (classes,); zeros without labels."""
    return np.bincount(() if labels is None else labels.reshape(-1), minlength=len(CLASSES))


def impossible_shares(pairs: Sequence[Pair], areas: Iterable[np.ndarray]) -> dict[int, Problem]:
    """Return a problem for each mask in folders whose masks show mostly people or hero, by index in `pairs`.

    `areas` are the pixels of each class, of each pair. Only where the meaning of the colours is not certain.
    """
    folders: dict[str, list[int]] = defaultdict(list)
    totals: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(CLASSES)))
    for index, (pair, each) in enumerate(zip(pairs, areas, strict=True)):
        if not pair.colours.certain and each.any():
            folders[pair.mask.folder].append(index)
            totals[pair.mask.folder] += each / each.sum()
    problems: dict[int, Problem] = {}
    for folder, rows in folders.items():
        shares = totals[folder] / len(rows)
        if shares[BACKGROUND] < LEAST_BACKGROUND:
            reason = (
                f"{shares[HERO]:.1%} of the pixels in all {len(rows)} masks are hero, {shares[PEOPLE]:.1%} people, and"
                f" {shares[BACKGROUND]:.1%} background: are red and blue swapped?"
            )
            problems |= {row: Problem("shares", folder, reason) for row in rows}
    return problems
