"""Check that training and validation frames each show the classes that a network is to tell apart."""

from dataset.archives import DatasetError
from dataset.schema import DEFAULT_CLASSES
from model.data.cleaning import CleanSplit
from model.data.packed_frames import PackedFrames

_REMEDIES = {
    "training": "add frames, or choose with --validation or --hold-out which ones are for validation",
    "validation": "these cannot tell which network is the best. Choose others with --validation or --hold-out, or train"
    " with --no-validation",
}


def check_shown_classes(split: CleanSplit) -> list[str]:
    """Return a sentence on classes that only training frames show, and one on those that only validation frames show.

    Raises DatasetError if either shows fewer than two classes, or not the target. Only for classes of one's own:
    without people and hero, there are still false alarms to learn from and to measure.
    """
    if split.train.classes == DEFAULT_CLASSES:
        return []
    parts = {"training": split.train, "validation": split.validation}
    shown = {use: _shown_classes(frames, use) for use, frames in parts.items() if frames and len(frames.usable)}
    if len(shown) < 2:
        return []
    notes = []
    for use, other, consequence in (
        ("validation", "training", "how well these are recognised is not measured"),
        ("training", "validation", "these are not learnt"),
    ):
        if missing := [name for name in shown[other] if name not in shown[use]]:
            notes.append(f"classes that {other} frames show, but no {use} frame: {', '.join(missing)}; {consequence}")
    return notes


def _shown_classes(frames: PackedFrames, use: str) -> list[str]:
    """Return the names of the classes that some of the frames show. Raises DatasetError if these are not enough."""
    names, target = frames.classes.names, frames.classes.target_name
    shown = [names[label] for label in frames.areas[frames.usable].any(axis=0).nonzero()[0]]
    if len(shown) < 2 or (target and target not in shown):
        required = f"{target}, the target, and another class" if target else "at least two classes"
        raise DatasetError(
            f"expected {use} frames that show {required}, but all {len(frames.usable)} of them show only"
            f" {', '.join(shown) or 'ignored pixels'}: {_REMEDIES[use]}"
        )
    return shown
