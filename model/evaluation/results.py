"""Results of a model on labelled frames: of each frame, and summed up by set, target size and brightness."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from dataset.pairs import Pair
from dataset.schema import DEFAULT_CLASSES, SIZE_BANDS, Classes, Interval, is_visible
from model.evaluation.pixel_curve import PixelCurve
from model.score import FrameScore, SetScore, final_score, mean_iou, score_set

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
    confusion: np.ndarray  # (classes, classes) int: pixels of each class (rows) by likeliest predicted class (columns)
    seconds: float | None  # of the network, if one ran
    histograms: np.ndarray | None = None  # of two classes without a target: those of `pixel_histograms`
    confidence: float = 0.0  # the highest threshold of the target's probability with which it would be detected

    @property
    def classes(self) -> Classes:
        """Of the labels and the prediction."""
        return self.pair.colours.classes

    @property
    def has_target(self) -> bool:
        """Whether the ground truth shows the target, whatever the network's resolution."""
        return bool(is_visible(self.hero_pixels))

    @property
    def hero_iou(self) -> float:
        """IoU of the target, 0..1; 0 if no class is the target."""
        return 0.0 if self.classes.target is None else self.score.iou[self.classes.target]

    @property
    def frame_score(self) -> float:
        """0..1: IoU of the target; of a negative frame 1, or 0 for a false positive.

        If no class is the target, the mean IoU.
        """
        if self.classes.target is None:
            return self.mean_iou
        return self.hero_iou if self.has_target else float(not self.score.detected)

    @property
    def mean_iou(self) -> float:
        """Mean IoU of the classes that the frame or the prediction shows; 1 if all pixels are ignored."""
        iou = mean_iou(self.confusion)
        return 1.0 if np.isnan(iou) else iou

    def describe(self) -> str:
        """Return the figures of a frame with classes of its own, for a caption."""
        text = f"mean IoU {self.mean_iou:.2f}"
        return text if self.classes.target is None else f"{self.classes.target_name} IoU {self.hero_iou:.2f}  {text}"


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
    classes: Classes = DEFAULT_CLASSES

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
        if not set(OFFICIAL_SETS) <= self.sets.keys() or self.classes != DEFAULT_CLASSES:
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
        """Return the detections on negative frames, for each set that has any; nothing if no class is the target."""
        counts = {}
        for name in self.sets if self.classes.target is not None else ():
            negatives = [each for each in self.results if each.set_name == name and not each.has_target]
            if negatives:
                counts[name] = FalsePositives(len(negatives), sum(each.score.detected for each in negatives))
        return counts

    def confusion(self) -> np.ndarray:
        """Return (classes, classes) int: pixels of each class (rows) by the likeliest predicted class (columns)."""
        return self._confusion(self.results)

    def pixel_curve(self) -> PixelCurve | None:
        """Return how the second of two classes is told from the first at each threshold; None for other classes."""
        found = [each.histograms for each in self.results if each.histograms is not None]
        return PixelCurve(np.sum(found, axis=0)) if found else None

    def hero_confusion_by_size(self) -> dict[str, np.ndarray]:
        """Return, for each target size, (classes,) int: the target's pixels by the likeliest predicted class."""
        target = self.classes.target
        if target is None:
            return {}
        return {band.name: self._confusion(self._of_size(band))[target] for band in SIZE_BANDS}

    def worst(self, count: int) -> list[FrameResult]:
        """Return the frames of least IoU of the target, among equals the largest error first, without true negatives.

        If no class is the target, those of least mean IoU.
        """
        if self.classes.target is None:
            return sorted(self.results, key=lambda each: each.frame_score)[:count]
        shown = [each for each in self.results if each.score.present or each.score.detected]
        shown.sort(key=lambda each: (each.hero_iou, -max(each.score.target_pixels, each.score.predicted_pixels)))
        return shown[:count]

    def _of_size(self, band: Interval) -> list[FrameResult]:
        return [each for each in self.results if each.has_target and band.contains(each.hero_pixels)]

    def _confusion(self, results: Iterable[FrameResult]) -> np.ndarray:
        size = len(self.classes)
        return sum((each.confusion for each in results), np.zeros((size, size), int))


def _band_score(results: list[FrameResult]) -> BandScore:
    iou = float(np.mean([each.hero_iou for each in results])) if results else 0.0
    return BandScore(len(results), sum(each.score.detected for each in results), iou)
