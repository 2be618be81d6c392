"""Label the pseudo-labelled frames of a recording again, with another model.

    python -m model.relabel meadow --weights runs/20261121-101500/best.h5

Frames that the simulator or a person has labelled stay as they are. The masks that are replaced are kept:
`python -m dataset restore-labels meadow all` gives them back.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import track
from rich.table import Table

from config.commands import command_parser, run_command
from config.paths import path_of, printable
from dataset.masks.labels import labels_of_probabilities
from dataset.recordings.frame_record import FrameRecord
from dataset.recordings.recording import Recording, open_recording
from dataset.review.relabelling import NewLabels, replace_labels
from dataset.schema import BACKGROUND, CLASSES, GROUND_TRUTH, HERO, is_visible
from model.console import console, print_plain
from model.inference.recorded_frames import predict_frames, pseudo_labelled

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter


class Changes:
    """What relabelling changes, counted frame by frame."""

    def __init__(self) -> None:
        self.frames = self.visible_before = self.visible_after = self.gained = self.lost = 0
        self.pixels = np.zeros((len(CLASSES), len(CLASSES)), np.int64)  # [before, after]

    def add(self, before: np.ndarray, after: np.ndarray) -> None:
        """Count a frame: labels before and after, (height, width) uint8."""
        self.frames += 1
        was, is_now = (bool(is_visible(np.count_nonzero(labels == HERO))) for labels in (before, after))
        self.visible_before += was
        self.visible_after += is_now
        self.gained += is_now and not was
        self.lost += was and not is_now
        pairs = before.astype(np.intp) * len(CLASSES) + after
        self.pixels += np.bincount(pairs.ravel(), minlength=len(CLASSES) ** 2).reshape(self.pixels.shape)

    def table(self) -> Table:
        """Return the table of pixels: rows are labels before, columns labels after."""
        table = Table("pixels before, after", title="What changed", title_justify="left")
        for name in CLASSES:
            table.add_column(name, justify="right")
        for name, row in zip(CLASSES, self.pixels.tolist(), strict=True):
            table.add_row(name, *(f"{count:,}" for count in row))
        return table

    def sentence(self) -> str:
        """Return in how many frames the target is labelled, before and after."""
        return (
            f"the target is labelled in {self.visible_after} of {self.frames} frames, before in {self.visible_before}:"
            f" {self.gained} more, {self.lost} no longer"
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status: 0, 2 for unusable input, 130 after Ctrl-C."""
    parser = command_parser("model.relabel", __doc__)
    parser.add_argument("recording", type=path_of, metavar="RECORDING", help="a folder, or a name in recordings/")
    parser.add_argument("--weights", required=True, metavar="H5", help="the model, a file or a name in model/weights/")
    options = parser.parse_args(arguments)

    def relabel() -> None:
        recording = open_recording(options.recording)
        frames = pseudo_labelled(recording, "there is nothing to relabel")
        from model.inference.load import load_agent_segmenter

        segmenter, changes = load_agent_segmenter(options.weights, precision="float32"), Changes()
        print_plain(segmenter.describe())
        shown = track(_new_labels(recording, frames, segmenter, changes), "relabelling", len(frames), console=console)
        count = replace_labels(recording, shown, keep={*GROUND_TRUTH, "propagated"})
        if changes.frames:
            console.print(changes.table())
            print_plain(changes.sentence())
        print_plain(f"{recording.path}: {count} of {len(frames)} frames have other labels")

    return run_command("relabel", relabel)


def _new_labels(
    recording: Recording, frames: Sequence[FrameRecord], segmenter: "Segmenter", changes: Changes
) -> Iterator[NewLabels]:
    """Yield the labels that the model gives frames, and count how they differ from those that they have."""
    for record, before, (probabilities,) in predict_frames(recording, frames, [segmenter]):
        labels = labels_of_probabilities(probabilities, recording.frame_size)
        changes.add(np.full_like(labels, BACKGROUND) if before is None else before, labels)
        yield NewLabels(record.frame, labels, "model", printable(segmenter.name))


if __name__ == "__main__":
    sys.exit(main())
