"""Compares a retrained model with the one it started from, and puts it in its place only if that is a gain.

Numbers and files only; `promotion_report.py` draws and writes.
"""

import json
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from dataset.files import replacing
from dataset.pairs import Pair
from dataset.schema import FAR_PIXELS, HERO, PEOPLE, SIZE_BANDS, Interval
from model.evaluation.measure import Evaluation, FrameResult

FEWEST = 20  # frames of a group that say something about it
RANGES = tuple(
    Interval(f"{low}-{high} m" if high < 1000 else f"over {low} m", low, high)
    for low, high in ((0, 10), (10, 20), (20, 40), (40, 1000))
)
HAS_HERO = SIZE_BANDS[0].low
TELLING = {  # what may be asked to be better, and the frames that tell of it, by the hero's pixels at 256x256
    "all": Interval("with a hero", HAS_HERO, float("inf")),
    "far": Interval("with a far hero", HAS_HERO, FAR_PIXELS),
    "near": Interval("with a near hero", FAR_PIXELS, float("inf")),
    "wrong heroes": Interval("without a hero", 0, HAS_HERO),
}


@dataclass(frozen=True)
class Change:
    """One figure of one group of frames, before and after. Higher is better, but for shares of wrong heroes."""

    group: str
    measure: str
    frames: int
    before: float
    after: float

    @property
    def gain(self) -> float:
        """How much better it got; negative when it got worse."""
        return self.before - self.after if self.measure == "wrong heroes" else self.after - self.before


@dataclass(frozen=True)
class Verdict:
    """Whether the new model is to take the old one's place, and a sentence that says why or why not."""

    promote: bool
    reason: str


def compare(old: Evaluation, new: Evaluation) -> list[Change]:
    """Hero IoU and heroes found, over all, far and near, by size and by range where it is known; people; wrong heroes.

    Both evaluations are of the same frames in the same order.
    """
    groups: list[tuple[str, Callable[[FrameResult], bool]]] = [
        ("all", lambda each: True),
        ("far", lambda each: each.hero_pixels < FAR_PIXELS),
        ("near", lambda each: each.hero_pixels >= FAR_PIXELS),
    ]
    groups += [(band.name, lambda each, band=band: band.contains(each.hero_pixels)) for band in SIZE_BANDS]
    metres = {each.pair: range_of(each.pair) for each in old.results if each.has_hero}
    groups += [(band.name, lambda each, band=band: _inside(band, metres.get(each.pair))) for band in RANGES]
    changes = []
    for name, belongs in groups:
        rows = [row for row, each in enumerate(old.results) if each.has_hero and belongs(each)]
        changes += _changes(name, "hero IoU", rows, old, new, lambda each: each.score.iou[HERO])
        changes += _changes(name, "found", rows, old, new, lambda each: each.score.detected)
    free = [row for row, each in enumerate(old.results) if not each.has_hero]
    changes += _changes("no hero", "wrong heroes", free, old, new, lambda each: each.score.detected)
    everything = range(len(old.results))
    return changes + _changes("all frames", "people IoU", everything, old, new, lambda each: each.score.iou[PEOPLE])


def decide(changes: Sequence[Change], better: str, tolerance: float) -> Verdict:
    """Better where asked, and nowhere worse by more than `tolerance`, in any group of at least FEWEST frames.

    Args:
        better: of TELLING: hero IoU of all, far or near heroes, or wrong heroes.
        tolerance: of an IoU or a share, 0..1.
    """
    named = ("no hero", "wrong heroes") if better == "wrong heroes" else (better, "hero IoU")
    asked = next((each for each in changes if (each.group, each.measure) == named), None)
    if asked is None or asked.frames < FEWEST:
        there = asked.frames if asked else 0
        return Verdict(False, f"only {there} frames tell about {' '.join(named)}; at least {FEWEST} are needed")
    told = f"{asked.measure} of {asked.group} went from {asked.before:.3f} to {asked.after:.3f}"
    if asked.gain <= 0:
        return Verdict(False, f"not better where asked: {told}")
    worse = [each for each in changes if each.frames >= FEWEST and each.gain < -tolerance]
    if worse:
        most = min(worse, key=lambda each: each.gain)
        return Verdict(
            False,
            f"{told}, but {most.measure} of {most.group} got worse by {-most.gain:.3f}, more than {tolerance:g}"
            + (f", and {len(worse) - 1} other figures too" if len(worse) > 1 else ""),
        )
    return Verdict(True, f"{told}, and nothing got worse by more than {tolerance:g}")


def replace_weights(new: Path, current: Path) -> Path:
    """Puts a copy of `new` in the place of `current` at one stroke; returns where the old file is kept."""
    kept = current.with_name(f"{current.stem}.{time.strftime('%Y%m%d-%H%M%S')}{current.suffix}")
    for source, target in ((current, kept), (new, current)):
        with replacing(target) as temporary:
            shutil.copyfile(source, temporary)
    return kept


def range_of(pair: Pair) -> float | None:
    """Metres from the camera to the hero, as the recording has it: the simulator's truth, else what was estimated."""
    if pair.image.member is not None:
        return None
    return _ranges(pair.image.path.parent.parent / "frames.jsonl").get(pair.image.path.name)


@lru_cache(maxsize=64)
def _ranges(lines: Path) -> dict[str, float]:
    if not lines.is_file():
        return {}
    metres = {}
    for line in lines.read_bytes().splitlines():
        try:
            frame = json.loads(line)
            if frame.get("ground_truth_target") and frame.get("pose"):
                offset = np.subtract(frame["ground_truth_target"], frame["pose"][:3])
                metres[frame["image"]] = float(np.linalg.norm(offset))
            elif frame.get("range"):
                metres[frame["image"]] = float(frame["range"]["metres"])
        except (ValueError, TypeError, KeyError, AttributeError):
            continue  # a line cut short by a crash; its frame counts without its range
    return metres


def _inside(band: Interval, value: float | None) -> bool:
    return value is not None and band.contains(value)


def _changes(name, measure, rows, old: Evaluation, new: Evaluation, value) -> list[Change]:
    """One change, or none for an empty group."""
    if not rows:
        return []
    before, after = (float(np.mean([value(each.results[row]) for row in rows])) for each in (old, new))
    return [Change(name, measure, len(rows), before, after)]
