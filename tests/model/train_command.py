"""The training command on small data, as several tests of this room start it."""

import io

from rich.console import Console

from model.training import train as command
from tests.model.labelled_frames import write_dataset

SETTINGS = """
preset = "fcn-1"
batch_size = 4
epoch_steps = 4
full_frame_batch = 2
validate_every = 2
learning_rate = 0.01
[augmentation]
crop = 64
"""


def train(*arguments):
    """The command in this process, which spares a start of TensorFlow; (exit status, what it printed)."""
    command.console = Console(record=True, width=200, file=io.StringIO())
    status = command.main(["--workers", "0", *map(str, arguments)])
    return status, command.console.export_text()


def write_data(folder):
    """Frames to learn from and to measure on, and settings of a very small training."""
    write_dataset(folder / "learn", 9)
    write_dataset(folder / "measure", 6, seed=1)
    (folder / "settings.toml").write_text(SETTINGS)
    return folder


def arguments(data, run):
    """Of a training in `run` on what `write_data` wrote."""
    return (
        *("--data", data / "learn", "--validation", data / "measure"),
        *("--settings", data / "settings.toml", "--run", run, "--cache", data / "cache"),
    )
