"""Find out by trying which numbers a network takes for pixels, and which of its channels stands for which class.

A network that is fed other numbers than in its training detects no one. Fed as in its training, one that was trained on
frames of QuadSim finds people in those of the built-in simulator, too, at least where these are near.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from pathlib import Path

import cv2
import numpy as np

from dataset.images import resize_bilinear
from dataset.pairs import find_pairs, read_pair
from dataset.schema import CLASSES, HERO, PEOPLE
from model.score import intersection_over_union

KNOWN_FRAMES = Path(__file__).parent / "known_frames"
FOUND = 0.25  # score of a network that finds people; those of 2017 have 0.45 to 0.63, the shipped one 0.90
FOUND_IN_OTHER_ORDER = 0.4  # among so many orders, networks that were never trained have up to 0.38 by chance
MUCH_BETTER = 3.0  # times the usual convention's score: that of another convention that is believed

RANGES = {"0..255": (1.0, 0.0), "0..1": (1 / 255, 0.0), "-1..1": (1 / 127.5, -1.0)}  # factor and offset for a pixel
RGB, BGR = (0, 1, 2), (2, 1, 0)
IN_ORDER = tuple(range(len(CLASSES)))

# (n, rows, columns, 3) float32, as the network takes it -> (n, rows, columns, 3), as it gives it, at its output's size.
Network = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Convention:
    """What a network takes and gives."""

    pixels: str  # of RANGES
    colours: tuple[int, ...] = RGB  # which channels of an RGB image it takes
    classes: tuple[int, ...] = IN_ORDER  # which of its output's channels are background, people and hero

    def apply(self, images: np.ndarray) -> np.ndarray:
        """Return (n, rows, columns, 3) uint8 RGB as the network takes it, float32."""
        factor, offset = RANGES[self.pixels]
        return images[..., self.colours].astype(np.float32) * np.float32(factor) + np.float32(offset)

    def describe(self) -> str:
        """Return a phrase for display, such as "takes BGR in 0..1"."""
        text = f"takes {'RGB' if self.colours == RGB else 'BGR'} in {self.pixels}"
        if self.classes == IN_ORDER:
            return text
        return f"{text}, gives {', '.join(CLASSES[self.classes.index(channel)] for channel in IN_ORDER)}"


@dataclass(frozen=True)
class Trial:
    """A convention, the network's output for the known frames by it, and whether people are found in that."""

    convention: Convention
    output: np.ndarray  # (n, rows, columns, 3), as the network gives it
    score: float

    @property
    def succeeded(self) -> bool:
        """Whether the network finds people; if not, the convention is a guess."""
        usual_order = (self.convention.colours, self.convention.classes) == (RGB, IN_ORDER)
        return self.score >= (FOUND if usual_order else FOUND_IN_OTHER_ORDER)


def find_convention(network: Network, size: tuple[int, int], usual: str) -> Trial:
    """Try conventions on the known frames; `size` is (rows, columns) of the network's input.

    `usual` is the range of pixels that networks of this kind take. It is kept unless people are found in another
    convention, and not in this one.
    """
    images, labels = known_frames(size)
    first = _try(network, images, labels, Convention(usual))
    if first.succeeded:
        return first
    found = [trial for trial in _others(network, images, labels, first) if trial.succeeded]
    best = max(found, key=lambda trial: trial.score, default=first)
    return best if best.score >= MUCH_BETTER * first.score else first


def _others(network: Network, images: np.ndarray, labels: Sequence[np.ndarray], first: Trial) -> Iterator[Trial]:
    """Yield a trial of each range, order of colours and order of classes."""
    for pixels, colours in product(RANGES, (RGB, BGR)):
        taken = Convention(pixels, colours)
        output = first.output if taken == first.convention else np.asarray(network(taken.apply(images)))
        for classes in permutations(IN_ORDER):
            yield _scored(Convention(pixels, colours, classes), output, labels)


def _try(network: Network, images: np.ndarray, labels: Sequence[np.ndarray], convention: Convention) -> Trial:
    return _scored(convention, np.asarray(network(convention.apply(images))), labels)


def _scored(convention: Convention, output: np.ndarray, labels: Sequence[np.ndarray]) -> Trial:
    """Return a trial; its score is the geometric mean of the IoU of people and of the target in all known frames.

    A network that finds only one of them may do so by chance: some filter for red, and every range and order is tried.
    """
    rows, columns = output.shape[1:3]
    small = [cv2.resize(each, (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT) for each in labels]
    predicted = output[..., convention.classes].argmax(axis=-1)
    classes = np.array([PEOPLE, HERO])
    truth, found = ((each.reshape(1, -1, 1, 1) == classes) for each in (np.stack(small), predicted))
    return Trial(convention, output, float(np.sqrt(intersection_over_union(truth, found).prod())))


def known_frames(size: tuple[int, int]) -> tuple[np.ndarray, Sequence[np.ndarray]]:
    """Return images at (rows, columns) `size`, (n, rows, columns, 3) uint8 RGB, and labels of the stored size."""
    images, labels = zip(*map(read_pair, find_pairs(KNOWN_FRAMES)[0]), strict=True)
    return np.stack([resize_bilinear(image, size) for image in images]), labels
