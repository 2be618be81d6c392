"""Measures a segmenter on labelled frames: the official score, by hero size, by light, and wrong heroes.

Gives numbers; `evaluate.py` is the command and `report.py` lays them out.
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from dataset.pairs import Pair, labels_of, member_path, read_pair
from dataset.schema import HERO, SIZE_BANDS, VISIBLE_PIXELS, Interval
from model.score import FrameScore, SetScore, final_score, score_frame, score_set

FOLLOWING, WITHOUT_TARGET, WITH_TARGET = OFFICIAL_SETS = ("following_images", "patrol_non_targ", "patrol_with_targ")
ALL_FRAMES = "all frames"
BATCH = 16


class EvaluationError(ValueError):
    """The data cannot be evaluated as it is; the message says what is missing."""


class Predictor(Protocol):
    """What is evaluated; `model.inference.segmenter.Segmenter` is one."""

    def predict(self, images: np.ndarray) -> np.ndarray:
        """(n, height, width, 3) uint8 RGB -> (n, rows, columns, 3) float32 probabilities."""
        ...


# Mean grey value of the hero's pixels: thirds of the heroes in the official training set.
LIGHTS = (Interval("dark", 0, 28), Interval("medium", 28, 42), Interval("bright", 42, 256))


@dataclass(frozen=True)
class FrameResult:
    """One frame: what the truth shows, and how the prediction did."""

    pair: Pair
    set_name: str  # one of OFFICIAL_SETS or ALL_FRAMES
    hero_pixels: float  # of the truth, as if the frame were 256x256
    hero_luminance: float | None  # mean grey value 0..255 of the hero's pixels; None without a hero
    score: FrameScore
    confusion: tuple[int, ...]  # pixels of each true and predicted class, row by row of the truth: 9 counts

    @property
    def has_hero(self) -> bool:
        """The truth shows a hero, whatever size the network works at."""
        return self.hero_pixels > VISIBLE_PIXELS

    @property
    def goodness(self) -> float:
        """0..1: IoU of the hero; without one, whether none is seen."""
        return self.score.iou[HERO] if self.has_hero else float(not self.score.detected)


@dataclass(frozen=True)
class BandScore:
    """The heroes of one band: how many there are, how many frames have a hero predicted, and the mean hero IoU."""

    frames: int
    found: int
    hero_iou: float


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of one model on one dataset."""

    model: str
    description: str
    results: tuple[FrameResult, ...]
    milliseconds: float  # of the network, a frame, in batches

    @cached_property
    def sets(self) -> dict[str, SetScore]:
        """The score of each set, the official three in their order, or of all frames."""
        scores: dict[str, list[FrameScore]] = {}
        for result in self.results:
            scores.setdefault(result.set_name, []).append(result.score)
        return {name: score_set(scores[name]) for name in (*OFFICIAL_SETS, ALL_FRAMES) if name in scores}

    @property
    def final_score(self) -> float | None:
        """The official final score, None for data that is not the official evaluation set."""
        if not set(OFFICIAL_SETS) <= self.sets.keys():
            return None
        return final_score(self.sets[FOLLOWING], self.sets[WITHOUT_TARGET], self.sets[WITH_TARGET])

    def by_size(self) -> dict[str, BandScore]:
        """Frames with a hero, by the hero's pixels."""
        return {band.name: self._band(band, lambda result: result.hero_pixels) for band in SIZE_BANDS}

    def by_light(self) -> dict[str, BandScore]:
        """Frames with a hero, by the hero's brightness."""
        return {band.name: self._band(band, lambda result: result.hero_luminance) for band in LIGHTS}

    def wrong_heroes(self) -> dict[str, tuple[int, int]]:
        """For each set: (frames with a hero predicted, frames) among those without a hero."""
        counts = {}
        for name in self.sets:
            free = [each for each in self.results if each.set_name == name and not each.has_hero]
            if free:
                counts[name] = (sum(each.score.detected for each in free), len(free))
        return counts

    def confusion(self) -> np.ndarray:
        """(3, 3) int: pixels of each true class (rows) by the class that is likeliest for the network (columns)."""
        return self._confusion(self.results)

    def hero_pixels(self) -> dict[str, np.ndarray]:
        """For the frames of each hero size: (3,) int, the hero's pixels by the class that they are taken for."""
        sizes = {band.name: self._inside(band, lambda result: result.hero_pixels) for band in SIZE_BANDS}
        return {name: self._confusion(results)[HERO] for name, results in sizes.items()}

    def worst(self, count: int) -> list[FrameResult]:
        """The frames that went most wrong: least hero IoU first, among equals the largest mistake first."""
        with_a_hero = [each for each in self.results if each.score.present or each.score.detected]
        with_a_hero.sort(
            key=lambda each: (each.score.iou[HERO], -max(each.score.target_pixels, each.score.predicted_pixels))
        )
        return with_a_hero[:count]

    @staticmethod
    def _confusion(results: Sequence[FrameResult]) -> np.ndarray:
        return sum((np.reshape(each.confusion, (3, 3)) for each in results), np.zeros((3, 3), int))

    def _inside(self, band: Interval, value: Callable[[FrameResult], float]) -> list[FrameResult]:
        return [each for each in self.results if each.has_hero and band.contains(value(each))]

    def _band(self, band: Interval, value: Callable[[FrameResult], float]) -> BandScore:
        inside = self._inside(band, value)
        iou = float(np.mean([each.score.iou[HERO] for each in inside])) if inside else 0.0
        return BandScore(len(inside), sum(each.score.detected for each in inside), iou)


def set_names(pairs: Sequence[Pair], source: str | Path) -> list[str]:
    """The set of each pair: the official one whose folder it lies in below `source`, or ALL_FRAMES for other data.

    Raises EvaluationError when some of the official sets are there and others are not, or frames lie beside them.
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
    stray = next(pair for pair, name in zip(pairs, names, strict=True) if name == ALL_FRAMES)
    raise EvaluationError(f"expected only {', '.join(OFFICIAL_SETS)} in {source}, but {stray.image} lies beside them")


def measure(
    predictor: Predictor,
    pairs: Sequence[Pair],
    names: Sequence[str],
    advance: Callable[[int], None] = lambda frames: None,
    on_frame: Callable[[FrameResult, np.ndarray], None] = lambda result, prediction: None,
) -> tuple[tuple[FrameResult, ...], float]:
    """Predicts and scores every pair, in batches; frames are read ahead meanwhile.

    Args:
        predictor: what is measured.
        pairs: labelled frames of any size.
        names: the set of each pair.
        advance: told how many frames were done, after each batch.
        on_frame: gets each result with the prediction, (rows, columns, 3) probabilities, in order of `pairs`.

    Returns: the results in order of `pairs`, and the network's milliseconds a frame.
    Raises DatasetError, naming the file, for a frame that cannot be read.
    """
    results, seconds = [], 0.0
    for group, frames in _read_ahead(list(zip(pairs, names, strict=True))):
        for size, same in itertools.groupby(zip(group, frames, strict=True), key=lambda each: each[1][0].shape):
            same = list(same)
            images = np.stack([image for _, (image, _) in same]).reshape(-1, *size)
            start = time.perf_counter()
            predictions = predictor.predict(images)
            seconds += time.perf_counter() - start
            for ((pair, name), (image, mask)), prediction in zip(same, predictions, strict=True):
                results.append(_frame_result(pair, name, image, mask, prediction))
                on_frame(results[-1], prediction)
        advance(len(group))
    return tuple(results), seconds / max(len(results), 1) * 1000


def _frame_result(pair: Pair, name: str, image: np.ndarray, mask: np.ndarray, prediction: np.ndarray) -> FrameResult:
    hero = mask[..., HERO] > 0
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if grey.shape != hero.shape:
        grey = cv2.resize(grey, hero.shape[::-1], interpolation=cv2.INTER_AREA)
    return FrameResult(
        pair=pair,
        set_name=name,
        hero_pixels=np.count_nonzero(hero) * 256 * 256 / hero.size,
        hero_luminance=float(grey[hero].mean()) if hero.any() else None,
        score=score_frame(prediction, mask),
        confusion=_confusion(prediction, mask),
    )


def _confusion(probabilities: np.ndarray, mask: np.ndarray) -> tuple[int, ...]:
    rows, columns = probabilities.shape[:2]
    truth = cv2.resize(labels_of(mask), (columns, rows), interpolation=cv2.INTER_NEAREST_EXACT)
    return tuple(np.bincount((truth * 3 + probabilities.argmax(axis=2)).reshape(-1), minlength=9).tolist())


def _read_ahead(items: Sequence[tuple[Pair, str]]) -> Iterator[tuple[Sequence, Iterable]]:
    """Batches of items with their frames; while one is worked on, the next is being decoded."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        ahead = None
        for start in range(0, len(items), BATCH):
            group = items[start : start + BATCH]
            reading = group, [pool.submit(read_pair, pair) for pair, _ in group]
            if ahead:
                yield ahead[0], [future.result() for future in ahead[1]]
            ahead = reading
        if ahead:
            yield ahead[0], [future.result() for future in ahead[1]]


def _set_name(pair: Pair, source: Path) -> str:
    parts = member_path(pair.mask.member).parts if pair.mask.member else pair.mask.path.relative_to(source).parts
    return next((name for name in OFFICIAL_SETS if name in parts), ALL_FRAMES)
