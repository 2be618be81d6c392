"""Runs the training command on small data."""

import io
import os
from contextlib import redirect_stdout
from pathlib import Path
from unittest.mock import patch

from model import train as command
from tests.model.labelled_frames import write_dataset

SETTINGS = """
preset = "fcn-1"
batch_size = 4
steps_per_epoch = 4
full_frame_fraction = 0.0
full_frame_batch_size = 2
validation_interval = 2
learning_rate = 0.01
[augmentation]
crop = 64
"""


def train(*arguments: object) -> tuple[int, str]:
    """Exit status and output of the command, run in this process, which saves a start of TensorFlow."""
    output = io.StringIO()
    with redirect_stdout(output), patch.dict(os.environ, COLUMNS="300"):
        status = command.main(["--workers", "0", *map(str, arguments)])
    return status, output.getvalue()


def write_data(folder: Path) -> Path:
    """Write training and validation frames, and the settings of a very small training."""
    write_dataset(folder / "train", 9)
    write_dataset(folder / "validation", 6, seed=1)
    (folder / "settings.toml").write_text(SETTINGS)
    return folder


def arguments(data: Path, run: Path, validation: bool = True) -> tuple[object, ...]:
    """Options of a training in `run` on what `write_data` wrote. Without validation it takes half as long."""
    return (
        *("--data", data / "train"),
        *(("--validation", data / "validation") if validation else ("--no-validation",)),
        *("--settings", data / "settings.toml", "--run", run, "--cache", data / "cache"),
    )
