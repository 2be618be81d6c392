"""Check the contents of labelled frames: readable, of one size, and with exactly one class for each pixel."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import numpy as np

from dataset.archives import DatasetError
from dataset.pairs import Pair, Problem, decode_image

SHOWN_PROBLEMS = 8


def check_frame(pair: Pair, image: np.ndarray, mask: np.ndarray) -> Problem | None:
    """Return what is wrong with the pixels of a pair: different sizes, unexpected values, no class or several."""
    if image.shape != mask.shape:
        reason = f"image is {image.shape[1]}x{image.shape[0]} but its mask {mask.shape[1]}x{mask.shape[0]}"
        return Problem("size", str(pair.mask), reason)
    values = np.flatnonzero(np.bincount(mask.reshape(-1), minlength=256))
    if not set(values.tolist()) <= {0, 1, 255}:
        return Problem("values", str(pair.mask), f"expected 0 and 255 (or 0 and 1), found {values[:8].tolist()}")
    classes = np.count_nonzero(mask, axis=2)
    if (classes != 1).any():
        reason = f"{int((classes == 0).sum())} pixels of no class, {int((classes > 1).sum())} of several"
        return Problem("classes", str(pair.mask), reason)
    return None


def inspect_pair(pair: Pair) -> tuple[str, np.ndarray | None, np.ndarray | None, Problem | None]:
    """Read each file of a pair once; return the image's SHA-256, image, mask (where readable), and what is wrong."""
    digest = ""
    try:
        data = pair.image.read()
        digest = sha256(data).hexdigest()
        image, mask = decode_image(data, pair.image), decode_image(pair.mask.read(), pair.mask)
    except (DatasetError, OSError) as error:
        return digest, None, None, Problem("unreadable", pair.name, str(error))
    return digest, image, mask, check_frame(pair, image, mask)


def check_pairs(pairs: Iterable[Pair]) -> dict[int, Problem]:
    """Return what is wrong inside the files, by index in `pairs`."""
    with ThreadPoolExecutor(2) as pool:  # decoding releases the interpreter's lock
        problems = pool.map(lambda pair: inspect_pair(pair)[3], pairs)
        return {index: problem for index, problem in enumerate(problems) if problem}


def summarise_problems(problems: Iterable[Problem]) -> str:
    """Return counts by kind and the first few problems, for people."""
    problems = list(problems)
    counts = ", ".join(f"{count} x {kind}" for kind, count in Counter(p.kind for p in problems).most_common())
    more = [f"... and {len(problems) - SHOWN_PROBLEMS} more"] if len(problems) > SHOWN_PROBLEMS else []
    return "\n  ".join([counts, *map(str, problems[:SHOWN_PROBLEMS]), *more])
