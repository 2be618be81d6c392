r"""Train a large network on one GPU, then smaller ones that it teaches, in a quarter of an hour.

    KERAS_BACKEND=torch python -m scripts.gpu_training --init model_weights.h5 --data train.zip:4 \
        --data collected_runs.zip:1.5 --data gathered --out runs/gpu --settings scripts/gpu_training/h100.toml

Needs PyTorch with CUDA beside the project's requirements, and as many processor cores as the GPU wants samples: an H100
takes those of 16. The networks are presets of the family `Pyramid`. Students begin with the weights of --init as far as
these fit. The files in the folder --out, named by the presets, are brought up to date every half a minute. Without a
GPU everything works, but slowly.
"""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import sys
from contextlib import closing
from functools import partial
from pathlib import Path

from rich.progress import track

from config.commands import command_parser, run_command
from config.numbers import real_number, whole_number
from config.paths import path_of
from dataset.archives import DatasetError
from dataset.problems import summarise_problems
from dataset.schema import DEFAULT_CLASSES
from model.console import console, print_plain
from model.data.batches import BatchLoader
from model.data.cleaning import clean_split, merge_seen_in_training
from model.data.packed_frames import PackedFrames
from model.data.packing import pack
from model.data.sources import collect
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model.settings import load_settings

TEACHER_SHARE = 0.4  # of the time
TEACHER = {"learning_rate": 2e-3, "cool_down": 0.5}  # settings


def main() -> int:
    """Run the command; return 0, 2 for input that cannot be used, 130 after Ctrl-C."""
    parser = command_parser("scripts.gpu_training", __doc__)
    add = parser.add_argument
    add("--data", action="append", required=True, metavar="DIR|ZIP[:WEIGHT]", help="training frames")
    add("--out", type=path_of, required=True, metavar="FOLDER", help="for the networks")
    add("--init", metavar="MODEL", help="weights that the students begin with, where they fit")
    add("--teacher", default="pyramid-teacher", metavar="PRESET", help="default %(default)s")
    text = "default pyramid and pyramid-detail; the last one's errors say which frames are hard"
    add("--students", nargs="+", default=["pyramid", "pyramid-detail"], metavar="PRESET", help=text)
    add("--minutes", type=real_number(0.1), default=13.0, help="for all networks together (default %(default)s)")
    add(
        "--settings",
        type=path_of,
        metavar="TOML",
        help="sizes of batches, rates, sampling, augmentation and loss, as in model/train.toml;"
        f" the teacher's {' and '.join(f'{name} = {value:g}' for name, value in TEACHER.items())} stay its own",
    )
    add("--workers", type=whole_number(), default=15, help="processes that make samples (default %(default)s)")
    add("--cache", type=path_of, default=Path("runs/cache"), metavar="DIR", help="default %(default)s")
    options = parser.parse_args()
    return run_command("gpu_training", lambda: train_all(options))


def train_all(options: argparse.Namespace) -> int:
    """Train the teacher, then the students. Raises ConfigError, DatasetError, ValueError, WeightsError."""
    import_tensorflow_quietly()
    try:
        from scripts.gpu_training.keras_networks import KerasNetworks
        from scripts.gpu_training.learners import Learners
        from scripts.gpu_training.mining import find_unlearnable
        from scripts.gpu_training.training import Phase, train
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ValueError("this needs PyTorch: pip install torch") from error
    from model.weights import load_model

    settings = load_settings(options.settings)
    teacher_settings = load_settings(options.settings, TEACHER)
    presets = [options.teacher, *options.students]
    if len(set(presets)) < len(presets):
        raise ValueError(f"expected different presets for the teacher and each student, got {', '.join(presets)}")
    if taken := [file for name in presets if (file := options.out / f"{name}.h5").exists()]:
        raise ValueError(f"{taken[0]} is there already: choose another --out")
    init = load_model(options.init) if options.init else None
    teachers, students = KerasNetworks([options.teacher]), KerasNetworks(options.students, init)
    frames = _read_frames(options)
    seen = merge_seen_in_training(frames.digests, [init.seen_in_training] if init else [])
    seconds = 60 * options.minutes

    learners = Learners(teachers.in_torch(), teacher_settings)
    phase = Phase("teacher", TEACHER_SHARE * seconds, teacher_settings, options.teacher, early=0.6)
    with closing(BatchLoader(frames, settings.sampling, settings.seed, options.workers)) as loader:
        train(learners, loader, phase, partial(teachers.save, learners, options.out, seen))
    teacher = learners.averaged(options.teacher)
    unlearnable = find_unlearnable(teacher, frames)
    print_plain(f"{len(unlearnable)} of {len(frames.usable)} frames left out: the teacher cannot learn their target")

    learners = Learners(students.in_torch(), settings, teacher)
    phase = Phase("students", (1 - TEACHER_SHARE) * seconds, settings, options.students[-1], early=0.0)
    frames = frames.exclude(unlearnable.tolist())
    with closing(BatchLoader(frames, settings.sampling, settings.seed + 1, options.workers)) as loader:
        train(learners, loader, phase, partial(students.save, learners, options.out, seen))
    print_plain(f"done: {', '.join(f'{options.out / name}.h5' for name in options.students)}")
    return 0


def _read_frames(options: argparse.Namespace) -> PackedFrames:
    """Decode and check all frames, and leave out what cannot be used. Raises DatasetError."""
    sources = collect(options.data, hold_out_by_default=False)
    if sources.classes != DEFAULT_CLASSES:
        raise DatasetError(f"expected background, people and hero, got {sources.classes}")
    if ignored := [each.pair.mask.folder for each in sources.train if each.pair.colours.ignored]:
        raise DatasetError(
            f"expected a class for each pixel, but {ignored[0]} has ignored ones: leave it out, or train with"
            " python -m model.train, which takes them"
        )
    show = partial(track, description="reading and checking frames", console=console, transient=True)
    split = clean_split(sources, pack(sources.train, options.cache, progress=show), None)
    if split.problems:
        print_plain(f"left out: {summarise_problems(split.problems)}", style="yellow")
    return split.train


if __name__ == "__main__":
    sys.exit(main())
