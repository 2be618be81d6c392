"""python -m dataset import: of QuadSim's images, and of annotations."""

import argparse
from pathlib import PurePath

from rich.console import Console
from rich.markup import escape
from rich.progress import track

from dataset.commands.exchange import import_annotations
from dataset.quadsim_import import destinations, find_raw_recordings, import_recording
from dataset.recordings.layout import RecordingError

SHOWN_PROBLEMS = 20


def import_frames(options: argparse.Namespace, console: Console) -> None:
    """Make recordings of the images that QuadSim's own recorder (DL Training, key "r") has written, or of annotations.

    IMG is a folder of QuadSim's images, or a tree of them such as 2017's raw_sim_data, which preprocess_ims.py
    converted: RECORDING then gets a recording for each, named after its folders, for example train/run1 and
    validation/run2. Or it is what other programs have annotated: COCO's JSON with RLE masks or polygons, Label Studio's
    JSON or PNG export, CVAT's "Segmentation mask 1.1" (folder or zip), or a folder of masks in any colours, with
    --images DIR.

    QuadSim stores neither poses nor the colour camera's depth: they can be used for training, but not replayed.
    """
    if options.images.exists() and import_annotations(options, console):
        return
    raw = find_raw_recordings(options.images)
    incomplete = []
    for run, recording in destinations(raw, options.recording).items():
        if run != PurePath() and recording.exists():  # by an earlier import that was interrupted, or had fewer runs
            console.print(f"{recording} exists already: left as it is", markup=False)
            continue
        title = escape(f"importing {run}")
        frames = track(raw[run].items(), title, total=len(raw[run]), console=console, transient=True)
        count, problems = import_recording(str(options.images.name / run), recording, frames)
        for problem in problems[:SHOWN_PROBLEMS]:
            console.print(f"  left out: {problem}", markup=False)
        if len(problems) > SHOWN_PROBLEMS:
            console.print(f"  and {len(problems) - SHOWN_PROBLEMS} more")
        left_out = f", {len(problems)} left out" if problems else ""
        if count:
            console.print(f"{recording}: {count} frames{left_out}", markup=False)
        else:
            incomplete.append(f"none of the {len(raw[run])} frames in {options.images / run} is complete")
    if {"train", "validation"} <= {run.parts[0] for run in raw if run.parts}:
        train, validation = options.recording / "train", options.recording / "validation"
        console.print(f"train on them: python -m model.train --data {train} --validation {validation}", markup=False)
    if incomplete:
        raise RecordingError("; ".join(incomplete))
