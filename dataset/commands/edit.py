"""python -m dataset copy, trim, split and merge: the commands around `dataset.recordings.editing`."""

import argparse
from pathlib import Path

from rich.console import Console
from rich.progress import track

from dataset.recordings.editing import Part, part_of, split, write
from dataset.recordings.layout import RECORDINGS, RecordingError
from dataset.recordings.recording import open_recording, select_frames


def copy_recording(options: argparse.Namespace, console: Console) -> None:
    """Copy a recording."""
    recording = open_recording(options.recording)
    _write([part_of(recording, recording.names)], options.new, "copied", console)


def trim_recording(options: argparse.Namespace, console: Console) -> None:
    """Make a recording of some frames of another."""
    recording = open_recording(options.recording)
    _write([part_of(recording, select_frames(recording.names, options.frames))], options.new, "trimmed", console)


def split_recording(options: argparse.Namespace, console: Console) -> None:
    """Cut a recording before the frames given, into RECORDING-1, RECORDING-2 and so on beside it."""
    recording = open_recording(options.recording)
    starts = [min(select_frames(recording.names, [start]), default="") for start in options.frames]
    if "" in starts:
        raise RecordingError("expected frames such as 120, before which to cut, got an empty one")
    parts = split(recording, starts)
    if len(parts) == 1:
        raise RecordingError(f"nothing of {recording.path.name} is before frame {starts[0]}")
    paths = [recording.path.with_name(f"{recording.path.name}-{number}") for number in range(1, len(parts) + 1)]
    if taken := [path for path in paths if path.exists()]:
        raise RecordingError(f"{taken[0]} exists already; rename it, or make the parts one by one with trim")
    for part, path in zip(parts, paths, strict=True):
        _write([part], path, "split", console)


def merge_recordings(options: argparse.Namespace, console: Console) -> None:
    """Join recordings, in the order given, into a new one. Frames are numbered anew."""
    recordings = [open_recording(path) for path in options.recordings]
    _write([part_of(each, each.names) for each in recordings], options.new, "merged", console)


def _write(parts: list[Part], new: Path, how: str, console: Console) -> None:
    path = new if new.parent != Path() else RECORDINGS / new
    count = write(parts, path, how, lambda frames: track(frames, "copying", console=console, transient=True))
    console.print(f"{path}: {count} frames", markup=False)
