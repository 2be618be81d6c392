"""Precision and recall of one class's pixels at every threshold: MaxF and AP as KITTI's, in the image.

KITTI's own figures (Fritsch, Kuehnl and Geiger 2013) are of the same kind, on the ground plane seen from above.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

BINS = 256  # thresholds
RECALLS = np.linspace(0, 1, 11)  # at which the average precision takes the precision, as in Pascal VOC of 2007


def pixel_histograms(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return (2, BINS) int: pixels of the first and of the second class, by the probability of the second one.

    `probabilities` are (rows, columns, 2), `labels` (rows, columns); other labels than 0 and 1 do not count.
    """
    bins = np.minimum(probabilities[..., 1] * BINS, BINS - 1).astype(int)
    return np.stack([np.bincount(bins[labels == label], minlength=BINS) for label in (0, 1)])


@dataclass(frozen=True)
class PixelOperatingPoint:
    """The threshold of a probability, and what comes of it."""

    threshold: float
    precision: float
    recall: float
    f: float  # harmonic mean of both


@dataclass(frozen=True, eq=False)
class PixelCurve:
    """How well the second class is told from the first, over all pixels of all frames."""

    histograms: np.ndarray  # (2, BINS), summed

    @property
    def fraction(self) -> float:
        """Of the pixels, those of the second class."""
        return float(self.histograms[1].sum() / max(self.histograms.sum(), 1))

    @cached_property
    def _precision_recall(self) -> tuple[np.ndarray, np.ndarray]:
        """Two arrays (BINS,): at each threshold, the lower edge of a bin."""
        negatives, positives = np.cumsum(self.histograms[:, ::-1], axis=1)[:, ::-1]
        return positives / np.maximum(positives + negatives, 1), positives / max(positives[0], 1)

    @property
    def best(self) -> PixelOperatingPoint:
        """The threshold of the highest F: MaxF."""
        precision, recall = self._precision_recall
        f = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
        at = int(f.argmax())
        return PixelOperatingPoint(at / BINS, float(precision[at]), float(recall[at]), float(f[at]))

    @property
    def average_precision(self) -> float:
        """Mean over RECALLS of the highest precision with at least that recall."""
        precision, recall = self._precision_recall
        return float(np.mean([precision[recall >= least].max(initial=0.0) for least in RECALLS]))
