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
from pathlib import Path
from typing import TYPE_CHECKING

from dataset.archives import DatasetError
from dataset.files import write_atomically
from dataset.masks.classes_file import read_classes_file
from dataset.problems import summarise_problems
from dataset.schema import DEFAULT_CLASSES
from model import run_files
from model.console import print_plain
from model.data.batches import BatchLoader
from model.data.cleaning import describe_validation, merge_seen_in_training
from model.data.packed_frames import PackedFrames
from model.data.sources import collect
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model.settings import TrainSettings, load_settings
from model.training.arguments import Arguments, parse
from model.training.preparation import load_frames, prepare_models
from model.training.run_folder import RunFolder

if TYPE_CHECKING:
    from model.training.trainer import Trainer

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


def _train(options: Arguments, run: RunFolder) -> int:
    settings = _configure(options, run)
    distribution = None
    if options.strategy:
        import_tensorflow_quietly()
        from model.training.distribution import Distribution

        distribution = Distribution(options.strategy)  # must exist before any operation of TensorFlow
        distribution.check_batches(settings)
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

    network, adapted, init, teachers = prepare_models(options, settings, sources.classes)
    split = load_frames(sources, options, run, network.input_shape[1:3])
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
