r"""Train a network on labelled frames, from scratch or from a model, and keep everything about it in a run folder.

    python -m model.train --data train.zip --data collected_runs.zip --minutes 30
    python -m model.train --init model_weights.h5 --data train.zip --recordings recordings/my_run \
        --validation validation.zip --skip-bad --minutes 20 --promote
    python -m model.train --preset fcn-4 --data train.zip --validation validation.zip --skip-bad
    python -m model.train --resume runs/20261121-101500

A dataset is a folder or a zip with images/ and masks/; `:WEIGHT` after it changes how often its frames are drawn.
Without `--validation` or `--hold-out`, one frame in twenty is held out, in contiguous blocks.
The exit status is 0; 2 for input that cannot be used; 3 if `--promote` found no gain; 130 after Ctrl-C.
"""

from config.interrupts import interrupted  # before all else

# isort: split
# Worker processes import this module: Keras and its backend are imported in functions only.
import sys
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.progress import track

from dataset.archives import DatasetError
from dataset.files import write_atomically
from dataset.masks.classes_file import read_classes_file
from dataset.problems import summarise_problems
from dataset.schema import DEFAULT_CLASSES, HERO, Classes, at_reference_size
from model import run_files
from model.console import console, print_place, print_plain
from model.data.batches import BatchLoader
from model.data.cleaning import CleanSplit, clean_split, describe_validation, merge_seen_in_training
from model.data.left_out import LeftOut
from model.data.packed_frames import PackedFrames
from model.data.packing import pack
from model.data.sources import DataSources, SourceFrame, collect
from model.evaluation.criteria import CRITERIA, MIN_FRAMES, Criterion
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model.settings import TrainSettings, load_settings
from model.training.arguments import Arguments, parse
from model.training.run_folder import RunFolder

if TYPE_CHECKING:
    import keras

    from model.training.trainer import Trainer
    from model.weights import LoadedModel

WORST = 12  # number of the worst frames that are drawn after a training


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return the exit status, as listed above."""
    try:
        options = parse(__doc__, arguments)
        run = RunFolder(Path(options.resume or options.run or Path("runs") / time.strftime("%Y%m%d-%H%M%S")))
        with nullcontext() if options.strategy == "multiworker" else run.lock():  # its workers share the folder
            try:
                return _train(options, run)
            except KeyboardInterrupt:
                pass
            except (ValueError, RuntimeError, OSError):
                if not interrupted():
                    raise
            print_plain(f"interrupted; continue with: python -m model.train --resume {run.path}")
            return 130
    except (ValueError, RuntimeError, OSError) as error:  # raised for data, settings, weights, runtimes, files
        print_plain(str(error), style="red")
        return 2


class Models(NamedTuple):
    """What a training begins with, and the settings that suit it."""

    network: "keras.Model"
    settings: TrainSettings
    init: "LoadedModel | None"
    teachers: "list[LoadedModel]"


def _train(options: Arguments, run: RunFolder) -> int:
    settings = _configure(options, run)
    distribution = None
    if options.strategy:
        import_tensorflow_quietly()
        from model.training.distribution import Distribution

        distribution = Distribution(options.strategy)  # must exist before any operation of TensorFlow
    colours = read_classes_file(Path(options.classes)) if options.classes else None
    sources = collect(
        options.data, options.recordings, options.validation, options.hold_out, not options.no_validation, colours
    )
    if not sources.train:
        raise DatasetError(
            summarise_problems(sources.problems) if sources.problems else "there is no labelled frame to train on"
        )
    settings.loss.entropy_weights(sources.classes)  # refuses those of another number of classes
    if options.promote and sources.classes != DEFAULT_CLASSES:
        raise DatasetError(f"--promote compares models of {DEFAULT_CLASSES}, but the data have {sources.classes}")

    import_tensorflow_quietly()
    import keras

    from model.networks import multiply_accumulates
    from model.training.trainer import Trainer

    network, adapted, init, teachers = _prepare_models(options, settings, sources.classes)
    split = _load_frames(sources, options, run, network.input_shape[1:3])
    run.write_manifest({"train": split.train, "validation": split.validation})

    models = [init, *teachers] if init else teachers
    seen = merge_seen_in_training(split.train.digests, [each.seen_in_training for each in models])
    with closing(BatchLoader(split.train, adapted.sampling, adapted.seed, options.workers)) as loader:
        trainer = Trainer(network, adapted, run, loader, distribution, [each.model for each in teachers], seen)
        if run.checkpoint.exists():
            trainer.load()
        run.write_configuration(options, settings)  # so that the next resume keeps the options given to this one
        validated = len(split.validation.usable) if split.validation else 0
        size = f"{network.count_params() / 1e6:.2f} M parameters, {multiply_accumulates(network) / 1e9:.2f} GMAC"
        print_plain(
            f"{len(split.train.usable)} training and {validated} validation frames; {size} per frame;"
            f" {keras.backend.backend()}, {trainer.precision}; run folder {run.path}"
        )
        comparison = ""
        if options.promote and init and split.validation is not None:
            comparison = describe_validation(split.validation, sources.explicit, init.seen_in_training)
            print_plain(comparison)
        trainer.fit(split.validation, options.minutes)
    return _report(trainer, split.validation, options, comparison) if trainer.chief else 0


def _configure(options: Arguments, run: RunFolder) -> TrainSettings:
    """Return the settings, and write them into the run folder. Raises ValueError if it holds another training."""
    if options.resume:
        run.remove_partial_files()
    elif any(file.exists() for file in (run.checkpoint, run.best, run.last)):
        raise ValueError(f"{run.path} holds a training: continue with --resume {run.path}, or choose another --run")
    settings = load_settings(
        Path(options.settings) if options.settings else None,
        options.setting_overrides(),
        stored=run.settings() if options.resume else None,
    )
    if not options.resume:
        run.write_configuration(options, settings)
    if options.tensorboard:
        run.log_to_tensorboard()
    return settings


def _prepare_models(options: Arguments, settings: TrainSettings, classes: Classes) -> Models:
    """Load or make the network, and load its teachers. Raises ValueError for models that do not fit."""
    import keras

    from model.evaluation.replacement import check_replaceable
    from model.training.initialization import adapt_settings, check_teacher, initial_network
    from model.weights import find_weights
    from model.weights.encoders.load import NONE

    keras.utils.set_random_seed(settings.seed)
    init = _load(options.init) if options.init else None
    if options.promote and init:
        init.check_classes(classes, "the data", "; --promote compares models of the same classes")
        check_replaceable(init, find_weights(f"{options.init}"))
    network = initial_network(options, settings, init, classes)
    transferred = options.encoder_weights not in (None, NONE)
    adapted = adapt_settings(settings, network, init is not None and init.finds_people, transferred)
    if init and not init.finds_people:
        print_plain(
            f"{options.init} detects nobody yet: it learns at the rate of a new network, {adapted.learning_rate:g}"
        )
    teachers = [_load(path) for path in options.teacher]
    for path, teacher in zip(options.teacher, teachers, strict=True):
        teacher.check_classes(classes, "the data")
        check_teacher(path, teacher.model, network, adapted.augmentation.crop)
    return Models(network, adapted, init, teachers)


def _load(name: str) -> "LoadedModel":
    """Load a model, and print what is not clear from its name. Raises WeightsError."""
    from model.weights import load_model

    print_place(name)
    loaded = load_model(name)
    if loaded.convention:
        print_plain(f"{name} {loaded.convention}")
    return loaded


def _load_frames(sources: DataSources, options: Arguments, run: RunFolder, size: tuple[int, int]) -> CleanSplit:
    """Decode and check all frames. Raises DatasetError for bad ones, unless --skip-bad excludes them."""
    left_out = LeftOut(Path(options.without)) if options.without else None  # an error shows before frames are read

    def packed(frames: Sequence[SourceFrame], use: str) -> PackedFrames:
        show = partial(track, description=f"reading and checking {use} frames", console=console, transient=True)
        return pack(frames, Path(options.cache), size, show)

    train = packed(sources.train, "training")
    validation = packed(sources.validation, "validation") if sources.validation else None
    split = clean_split(sources, train, validation)
    if left_out:
        split, note = left_out.split(split)
        print_plain(note, style="yellow")
    for note in split.notes:
        print_plain(note, style="yellow")
    if sources.classes != DEFAULT_CLASSES:
        print_plain(f"classes: {sources.classes}")
    if split.problems:
        summary = f"{summarise_problems(split.problems)}\nall of them: {run.write_problems(split.problems)}"
        if not options.skip_bad:
            raise DatasetError(f"{summary}\nrepair the data, or leave these out with --skip-bad")
        print_plain(f"left out: {summary}", style="yellow")
    if split.validation is None and not options.no_validation:
        print_plain("no frame is held out: this training is not validated", style="yellow")
    if options.promote:
        _check_promotable(split.validation, options.better)
    return split


def _check_promotable(validation: PackedFrames | None, better: Criterion) -> None:
    """Raise DatasetError if there are too few frames to decide on a promotion, before hours are spent on training."""
    group, count = CRITERIA[better][1], 0
    if validation:
        areas = validation.areas[validation.usable, HERO]
        count = int(group.contains(at_reference_size(areas, validation.labels.shape[1:])).sum())
    if count < MIN_FRAMES:
        raise DatasetError(
            f"--promote needs at least {MIN_FRAMES} frames to measure both models on ({group.name}), labelled by the"
            f" simulator or a person and not used for training; there are {count}: add data, or --validation DIR|ZIP"
        )


def _report(trainer: "Trainer", validation: PackedFrames | None, options: Arguments, comparison: str) -> int:
    """Measure the finished model, promote it if requested and better, and return the exit status."""
    from model.evaluation.measure import PRECISION, evaluate_models
    from model.evaluation.previews import draw_worst
    from model.evaluation.promotion import promote_if_better
    from model.evaluation.reports import report
    from model.evaluation.results import ALL_FRAMES
    from model.inference.segmenter import Segmenter
    from model.weights import find_weights

    run, promoted = trainer.run, True
    best = run.best if run.best.exists() else run.last
    if validation is not None:
        pairs = [validation.sources[row].pair for row in validation.usable]
        if options.promote and options.init:
            current, better, tolerance = find_weights(options.init), options.better, options.tolerance
            frames = trainer.loader.frames
            learnt = [frames.sources[row].pair for row in frames.usable]
            promoted = promote_if_better(best, current, pairs, comparison, run.path, better, tolerance, learnt)
        else:
            segmenter = Segmenter(best, precision=PRECISION)
            evaluations = evaluate_models({segmenter.name: segmenter}, pairs, [ALL_FRAMES] * len(pairs))
            draw_worst(evaluations[0], segmenter, WORST, run.path / run_files.WORST_FRAMES)
            page = report.markdown("Validation frames", evaluations)
            write_atomically(run.path / run_files.VALIDATION_REPORT, page)
            report.print_tables(evaluations)
    print_plain(f"done: {best}")
    return 0 if promoted else 3


if __name__ == "__main__":
    sys.exit(main())
