"""Results of a model on labelled frames: of each frame, and summed up by set, target size and brightness."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dataset.pairs import Pair
from dataset.schema import CLASSES, HERO, SIZE_BANDS, Interval
from model.score import FrameScore, SetScore, final_score, is_visible, score_set

FOLLOWING, WITHOUT_TARGET, WITH_TARGET = OFFICIAL_SETS = ("following_images", "patrol_non_targ", "patrol_with_targ")
ALL_FRAMES = "all frames"

# Mean grey value of the target's pixels: thirds of the targets in the official training set.
BRIGHTNESS_BANDS = (Interval("dark", 0, 28), Interval("medium", 28, 42), Interval("bright", 42, 256))


@dataclass(frozen=True, eq=False)
class FrameResult:
    """One frame: what the ground truth shows, and how the prediction did."""

    pair: Pair
    set_name: str  # one of OFFICIAL_SETS or ALL_FRAMES
    hero_pixels: float  # of the ground truth, at the reference size
    brightness: float | None  # mean grey value 0..255 of the target's pixels; None without a target
    score: FrameScore
    confusion: np.ndarray  # (3, 3) int: pixels of each class (rows) by the likeliest predicted class (columns)
    seconds: float | None  # of the network, if one ran
    confidence: float = 0.0  # the highest threshold of the hero's probability with which a target would be detected

    @property
    def has_target(self) -> bool:
        """Whether the ground truth shows the target, whatever the network's resolution."""
        return bool(is_visible(self.hero_pixels))

    @property
    def hero_iou(self) -> float:
        """IoU of the target, 0..1."""
        return self.score.iou[HERO]

    @property
    def frame_score(self) -> float:
        """0..1: IoU of the target; of a negative frame 1, or 0 for a false positive."""
        return self.hero_iou if self.has_target else float(not self.score.detected)


@dataclass(frozen=True)
class BandScore:
    """The frames with a target of one band: their number, the number of detections, and the mean hero IoU."""

    frames: int
    detected: int
    hero_iou: float


@dataclass(frozen=True)
class FalsePositives:
    """The negative frames of one set, and how many of them have a detection."""

    negative_frames: int
    false_positives: int


@dataclass(frozen=True)
class Evaluation:
    """All that was measured of one model on one dataset."""

    model: str
    description: str
    results: tuple[FrameResult, ...]

    @property
    def milliseconds(self) -> float | None:
        """Time of the network per frame, in batches; None for stored predictions."""
        seconds = [each.seconds for each in self.results if each.seconds is not None]
        return float(np.mean(seconds) * 1000) if seconds else None

    @cached_property
    def sets(self) -> dict[str, SetScore]:
        """The score of each set: the official three in their order, or all frames."""
        scores: dict[str, list[FrameScore]] = {}
        for result in self.results:
            scores.setdefault(result.set_name, []).append(result.score)
        return {name: score_set(scores[name]) for name in (*OFFICIAL_SETS, ALL_FRAMES) if name in scores}

    @property
    def final_score(self) -> float | None:
        """The official final score; None for data other than the official evaluation sets."""
        if not set(OFFICIAL_SETS) <= self.sets.keys():
            return None
        return final_score(self.sets[FOLLOWING], self.sets[WITHOUT_TARGET], self.sets[WITH_TARGET])

    def by_size(self) -> dict[str, BandScore]:
        """Return figures of the frames with a target, by its pixels at the reference size."""
        return {band.name: _band_score(self._of_size(band)) for band in SIZE_BANDS}

    def by_brightness(self) -> dict[str, BandScore]:
        """Return figures of the frames with a target, by its brightness."""
        targets = [each for each in self.results if each.has_target]
        return {
            band.name: _band_score([each for each in targets if band.contains(each.brightness)])
            for band in BRIGHTNESS_BANDS
        }

    def false_positives(self) -> dict[str, FalsePositives]:
        """Return the detections on negative frames, for each set that has negative frames."""
        counts = {}
        for name in self.sets:
            negatives = [each for each in self.results if each.set_name == name and not each.has_target]
            if negatives:
                counts[name] = FalsePositives(len(negatives), sum(each.score.detected for each in negatives))
        return counts

    def confusion(self) -> np.ndarray:
        """Return (3, 3) int: pixels of each class (rows) by the likeliest predicted class (columns)."""
        return _confusion(self.results)

    def hero_confusion_by_size(self) -> dict[str, np.ndarray]:
        """Return, for each target size, (3,) int: the target's pixels by the likeliest predicted class."""
        return {band.name: _confusion(self._of_size(band))[HERO] for band in SIZE_BANDS}

    def worst(self, count: int) -> list[FrameResult]:
        """Return the frames of least hero IoU, among equals the largest error first; true negatives are left out."""
        shown = [each for each in self.results if each.score.present or each.score.detected]
        shown.sort(key=lambda each: (each.hero_iou, -max(each.score.target_pixels, each.score.predicted_pixels)))
        return shown[:count]

    def _of_size(self, band: Interval) -> list[FrameResult]:
        return [each for each in self.results if each.has_target and band.contains(each.hero_pixels)]


def _band_score(results: list[FrameResult]) -> BandScore:
    iou = float(np.mean([each.hero_iou for each in results])) if results else 0.0
    return BandScore(len(results), sum(each.score.detected for each in results), iou)


def _confusion(results: Iterable[FrameResult]) -> np.ndarray:
    return sum((each.confusion for each in results), np.zeros((len(CLASSES), len(CLASSES)), int))
