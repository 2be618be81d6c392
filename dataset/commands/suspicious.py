"""python -m dataset suspicious: which labels of recordings are worth a look."""

import argparse

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dataset.recordings.recording import Recording, open_recording
from dataset.review.ranking import SuspectFrame, suspect_frames


def list_suspicious(options: argparse.Namespace, console: Console) -> None:
    """List the frames whose labels are most worth a correction, with the reasons.

    Only pseudo-labelled frames are suspected. python -m model.suspicious asks networks, too. Correct them on the page
    of recordings, or in another program (export).
    """
    recordings = [open_recording(path) for path in options.recordings]
    print_suspect_frames([(recording, suspect_frames(recording)) for recording in recordings], options.limit, console)


def print_suspect_frames(found: list[tuple[Recording, list[SuspectFrame]]], limit: int, console: Console) -> None:
    """Print the frames of several recordings most worth a correction, the best first, and how many there are."""
    best = sorted(
        ((each, recording) for recording, suspected in found for each in suspected), key=lambda pair: -pair[0].priority
    )
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for name in ("recording", "frame"):
        table.add_column(name, no_wrap=True)
    table.add_column("priority", justify="right")
    table.add_column("reasons")
    for suspect, recording in best[:limit]:
        reasons = escape("; ".join(suspect.reasons))
        table.add_row(escape(recording.path.name), suspect.frame, f"{suspect.priority:.2f}", reasons)
    if best:
        console.print(table)
    for recording, suspected in found:
        asked = sum(record.label_source == "model" for record in recording.frames)
        console.print(
            f"{recording.path}: {len(suspected)} of {asked} pseudo-labelled frames are suspicious",
            markup=False,
            soft_wrap=True,
        )
