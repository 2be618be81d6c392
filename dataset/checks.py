"""Check labelled frames: that the files can be read, that images and masks fit, and that the labels can be true."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import numpy as np

from dataset.archives import DatasetError
from dataset.images import decode_image
from dataset.masks.labels import class_areas
from dataset.pairs import MaskError, Pair, read_labels
from dataset.problems import Problem
from dataset.schema import BACKGROUND, HERO, PEOPLE

# Of a folder's masks may show people and hero in most pixels: the camera was inside a person, in the official data in
# up to 0.2 % of the frames.
MAX_CROWDED = 0.1
MIN_CROWDED = 3  # masks, fewer if these are all


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
        return class_areas(labels, pair.colours.classes), problem

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
