"""List the frames whose labels are most worth a correction, by what networks say of them, too.

    python -m model.suspicious meadow --weights runs/20261121-101500/best.h5 model_weights.h5

Each network looks at the pseudo-labelled frames: does it see the target elsewhere, or unsurely? Do networks disagree?
What they say is kept in the recording, for `python -m dataset suspicious` and the page on which labels are corrected.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import track

from config.commands import command_parser, run_command
from config.numbers import whole_number
from config.paths import path_of
from dataset.commands.suspicious import print_suspect_frames
from dataset.masks.labels import labels_of_probabilities
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.recording import Recording, open_recording
from dataset.review.label_issue import LabelIssue
from dataset.review.network_findings import NetworkFinding, finding_on, write_network_findings
from dataset.review.ranking import suspect_frames
from dataset.schema import HERO, is_visible
from model.console import console, print_plain
from model.inference.recorded_frames import predict_frames, pseudo_labelled
from model.score import intersection_over_union
from model.weights import find_weights

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter

UNSURE = 0.25, 0.75  # probabilities of the target between which a network is unsure
MAX_UNSURE = 1.0  # unsure pixels to certain ones: an outline is always a little unsure
SAME = 0.3  # intersection over union with the labels from which on a network sees the same target


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for unusable input, 130 after Ctrl-C."""
    parser = command_parser("model.suspicious", __doc__)
    parser.add_argument("recording", type=path_of, metavar="RECORDING", help="a folder, or a name in recordings/")
    text = "the models, files or names in model/weights/"
    parser.add_argument("--weights", required=True, nargs="+", metavar="H5", help=text)
    parser.add_argument(
        "--limit", type=whole_number(1), default=60, metavar="N", help="how many to list (default: %(default)s)"
    )
    options = parser.parse_args(arguments)

    def ask() -> None:
        recording = open_recording(options.recording)
        frames = pseudo_labelled(recording, "nothing is suspected")
        from model.evaluation.measure import distinct_names
        from model.inference.load import load_agent_segmenter

        paths = list(dict.fromkeys(find_weights(weights).resolve() for weights in options.weights))
        segmenters = [load_agent_segmenter(f"{path}", precision="float32") for path in paths]
        for segmenter, name in zip(segmenters, distinct_names(paths), strict=True):
            segmenter.name = name
            print_plain(segmenter.describe())
        asked = track(_findings(recording, frames, segmenters), "asking", len(frames), console=console)
        write_network_findings(recording.path, [finding for several in asked for finding in several])
        print_suspect_frames([(recording, suspect_frames(recording))], options.limit, console)

    return run_command("suspicious", ask)


def _findings(
    recording: Recording, frames: Sequence[FrameRecord], segmenters: Sequence["Segmenter"]
) -> Iterator[list[NetworkFinding]]:
    """Yield the findings on each frame."""
    for record, labels, probabilities in predict_frames(recording, frames, segmenters):
        if labels is not None:
            predicted = {segmenter.name: each for segmenter, each in zip(segmenters, probabilities, strict=True)}
            yield [finding_on(record, issue) for issue in network_issues(labels == HERO, predicted)]
        else:
            yield []


def network_issues(target: np.ndarray, predicted: dict[str, np.ndarray]) -> Iterator[LabelIssue]:
    """Yield where networks, (rows, columns, 3) probabilities by name, contradict a labelled target or each other.

    `target` is (height, width) bool.
    """
    seen = {name: labels_of_probabilities(each, target.shape) == HERO for name, each in predicted.items()}
    for name, other in seen.items():
        if what := _difference(target, other):
            yield LabelIssue(f"{name} sees {what}", 0.5)
        elif _is_unsure(predicted[name]):
            yield LabelIssue(f"{name} is unsure of the target", 0.1)
    first, *others = seen.items()
    for name, other in others:
        if what := _difference(first[1], other):
            yield LabelIssue(f"{first[0]} and {name} disagree: the latter sees {what}", 0.2)


def _difference(target: np.ndarray, other: np.ndarray) -> str | None:
    """Return how another target differs from one, in words; None if it is about the same."""
    was, is_there = (bool(is_visible(np.count_nonzero(each))) for each in (target, other))
    if was != is_there:
        return "a target there" if is_there else "no target there"
    if was and intersection_over_union(target[None], other[None])[0] < SAME:
        return "the target elsewhere"
    return None


def _is_unsure(probabilities: np.ndarray) -> bool:
    hero = probabilities[..., HERO]
    low, high = UNSURE
    unsure = np.count_nonzero((hero > low) & (hero < high))
    return bool(is_visible(unsure) and unsure > MAX_UNSURE * np.count_nonzero(hero >= high))


if __name__ == "__main__":
    sys.exit(main())
