r"""Trains a network on labelled frames, from scratch or on from a model, and keeps a run folder.

    python -m model.train --data train.zip --data collected_runs.zip --minutes 30
    python -m model.train --init model_weights.h5 --data train.zip --recordings recordings/my_run \
        --validation validation.zip --skip-bad --minutes 20 --promote
    python -m model.train --preset fcn-4 --data train.zip --validation validation.zip --skip-bad
    python -m model.train --resume runs/20261121-101500

A dataset is a folder or a zip with images/ and masks/; `:WEIGHT` behind it draws its frames more or less often. Without
`--validation` or `--hold-out`, one frame in twenty is held out, in stretches, so that neighbours stay together.
The exit status is 0; 2 for what cannot be used; 3 when `--promote` found the new model to be no gain; 130 after Ctrl-C.
"""

# Worker processes import this module: Keras and its backend are imported in functions only.
import argparse
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import track

from dataset.archives import DatasetError
from dataset.checks import summarise_problems
from dataset.pairs import Pair
from dataset.schema import HERO
from model.data.batches import Batches
from model.data.packed_frames import Frames, pack
from model.data.sources import Gathered, Judged, gather, judge, merge_seen_in_training, tell_measured
from model.evaluation.promotion.criteria import CRITERIA, MIN_FRAMES
from model.inference.quiet_tensorflow import import_tensorflow_quietly
from model.training import run_files
from model.training.options import open_run, parse
from model.training.run_folder import RunFolder
from model.training.settings import TrainSettings, load_settings

if TYPE_CHECKING:
    import keras

    from model.weights import LoadedModel

console = Console()


def main(arguments: list[str] | None = None) -> int:
    """Parses, trains, and says where the model is."""
    options, given = parse(__doc__, arguments)
    try:
        return _train(options, given)
    except KeyboardInterrupt:
        console.print("interrupted before anything was learnt")
        return 130
    except (ValueError, RuntimeError, OSError) as error:  # of data, settings, weights, runtimes, files
        console.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        return 2


def _train(options: argparse.Namespace, given: Mapping[str, object]) -> int:
    if options.promote and (not options.init or options.no_validation):
        raise ValueError("--promote needs --init, the model to be replaced, and frames to measure both on")
    with ExitStack() as claim:
        run = open_run(options, given, claim)
        return _learn(options, _settings(options, given, run), run)


def _settings(options: argparse.Namespace, given: Mapping[str, object], run: RunFolder) -> TrainSettings:
    """Of the file and the command line; of a resumed training those that it had, but for what is given now."""
    keys = "preset", "epochs", "validate_every"
    if options.resume and run.settings.is_file():
        overrides = {key: given[key] for key in keys if key in given}
        return load_settings(given.get("settings"), overrides, run.read_json(run.settings.name))
    return load_settings(options.settings, {key: getattr(options, key) for key in keys if getattr(options, key)})


def _learn(options: argparse.Namespace, settings: TrainSettings, run: RunFolder) -> int:
    """Gathers the frames, trains, and shows what came out."""
    sources = options.validation, options.hold_out, not options.no_validation
    import_tensorflow_quietly()
    distribution = _distribution(options.strategy)
    gathered = gather(options.data, options.recordings, *sources)
    if options.tensorboard:
        run.log_to_tensorboard()

    import keras

    from model import networks
    from model.training.trainer import Trainer
    from model.weights import WeightsError, check_savable, load_model, read_seen_in_training

    keras.utils.set_random_seed(settings.seed)
    loaded = load_model(options.init) if options.init else None
    if loaded and loaded.is_legacy:
        try:
            check_savable(loaded.model)
        except WeightsError as error:
            raise WeightsError(f"--init: no training can go on from {options.init}. {error}") from error
    if options.promote and loaded.is_legacy:
        raise ValueError(f"--promote replaces one of our own .h5 files; {options.init} is a model of 2017")
    model = _network(loaded, options, settings)
    size = model.input_shape[1]
    if settings.input_size not in (0, size):
        raise ValueError(f"input_size is {settings.input_size}, but {options.init} takes frames of {size} pixels")
    teachers = [load_model(path).model for path in options.teacher]
    fitting = _fit_to(model, settings, goes_on=loaded is not None)
    try:
        data = _pack(gathered, options, run, size)
        run.write_manifest({"train": (gathered.pairs, data.frames), "validation": (gathered.held, data.validation)})
        run.write_json(run_files.ARGUMENTS, vars(options) | {"resume": None})  # the next time it goes on likewise
        run.write_json(run.settings.name, asdict(settings))
        origins = [options.init, *options.teacher] if loaded else options.teacher
        seen_in_training = merge_seen_in_training(
            data.frames.digests, [read_seen_in_training(path) for path in origins]
        )
        trainer = Trainer(model, fitting, run, console, distribution, teachers, seen_in_training)
        if run.checkpoint.exists():
            trainer.load()
        measured = len(data.validation.used) if data.validation else 0
        if options.promote:
            _check_promotable(data.validation, options.better)
        told = tell_measured(gathered, data.validation, read_seen_in_training(options.init)) if options.promote else ""
        console.print(
            f"{len(data.frames.used)} frames to learn from, {measured} to measure on;"
            f" {model.count_params() / 1e6:.2f} M parameters,"
            f" {networks.multiply_accumulates(model) / 1e9:.2f} GMAC a frame; {keras.backend.backend()},"
            f" {trainer.precision}; run folder {run.path}",
            markup=False,
            soft_wrap=True,
        )
        if told:
            console.print(told, markup=False, highlight=False, soft_wrap=True)
        batches = Batches(data.frames, settings.sampling, settings.seed, options.workers)
        try:
            trainer.fit(batches, data.validation, options.minutes)
        finally:
            batches.close()
        if not trainer.chief:
            return 0
        best = trainer.chosen
        status = 0
        if data.validation is not None:
            status = _show(options, best, [gathered.held[row] for row in data.validation.used], told, run)
    except KeyboardInterrupt:
        console.print(
            f"interrupted; go on with: python -m model.train --resume {run.path}", markup=False, soft_wrap=True
        )
        return 130
    console.print(f"done: {best}", markup=False, soft_wrap=True)
    return status


def _fit_to(model: "keras.Model", settings: TrainSettings, goes_on: bool) -> TrainSettings:
    """Crops no larger than the network's frames; of a model that goes on, the lower learning rates."""
    from model import networks

    crop = min(settings.augmentation.crop, model.input_shape[1])
    try:
        if crop < model.input_shape[1]:
            networks.clone_with(model, dtype="float32", shape=(crop, crop, 3))
    except ValueError as error:
        raise ValueError(
            f"augmentation.crop: the network does not take crops of {crop} pixels; those of ours take multiples of 32"
        ) from error
    settings = replace(settings, augmentation=replace(settings.augmentation, crop=crop))
    if not goes_on:
        return settings
    later = settings.later_learning_rate * settings.init_learning_rate / settings.learning_rate
    return replace(settings, learning_rate=settings.init_learning_rate, later_learning_rate=later)


def _check_promotable(validation: Frames | None, better: str) -> None:
    """Raises DatasetError when too few frames tell of what shall be better, before hours are spent on it."""
    frames, there = CRITERIA[better][1], 0
    if validation:
        hero_pixels = validation.areas[validation.used, HERO] * (256**2 / validation.labels[0].size)
        there = int(frames.contains(hero_pixels).sum())
    if there < MIN_FRAMES:
        raise DatasetError(
            f"--promote needs at least {MIN_FRAMES} frames to measure both models on ({frames.name}), labelled by the"
            f" simulator and not learnt from; there are {there}: add data, or --validation DIR|ZIP"
        )


def _network(loaded: "LoadedModel | None", options: argparse.Namespace, settings: TrainSettings) -> "keras.Model":
    """What is to learn: the model of --init, or a preset's network; of both, the preset's with its weights."""
    from model import networks
    from model.training.warm_start import warm_start

    if not loaded:
        return networks.build(settings.preset, settings.input_size or None)
    if not options.preset:
        return loaded.model
    network = networks.build(settings.preset, settings.input_size or loaded.model.input_shape[1])
    try:
        share = warm_start(network, loaded.model)
    except ValueError as error:
        raise ValueError(f"--init: a {settings.preset} cannot begin with {options.init}: {error}") from error
    console.print(f"{share:.1%} of the {settings.preset}'s weights are those of {options.init}", markup=False)
    return network


def _show(options: argparse.Namespace, best: Path, pairs: list[Pair], measured_on: str, run: RunFolder) -> int:
    """The figures of the finished model; with --promote beside the old one's, with consequences."""
    from model.evaluation.evaluate import evaluate_training
    from model.evaluation.promotion.promote import promote_if_better
    from model.weights import find_weights

    if not options.promote:
        evaluate_training(best, pairs, run.path, console)
        return 0
    current = find_weights(options.init)
    rule = options.better, options.tolerance
    promoted = promote_if_better(best, current, pairs, measured_on, run.path, *rule, console)
    return 0 if promoted else 3


def _distribution(strategy: str | None):
    if strategy is None:
        return None
    from model.training.distribution import Distribution

    return Distribution(strategy)


def _pack(gathered: Gathered, options: argparse.Namespace, run: RunFolder, size: int) -> Judged:
    """Reads and checks all frames. Raises DatasetError with what is wrong, unless that is to be left out."""

    def show(text):
        return lambda items: track(items, description=text, console=console, transient=True)

    if not gathered.pairs:
        found = summarise_problems(gathered.problems) if gathered.problems else "no labelled frame to learn from"
        raise DatasetError(found)
    frames = pack(gathered.pairs, options.cache, size, show("reading and checking training frames"))
    held = gathered.held
    validation = pack(held, options.cache, size, show("reading and checking validation frames")) if held else None
    data = judge(gathered, frames, validation)
    for note in data.notes:
        console.print(note, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if data.problems:
        run.write_text(run_files.PROBLEMS, "\n".join(f"{each.kind}: {each}" for each in data.problems) + "\n")
        summary = f"{summarise_problems(data.problems)}\nall of them: {run.path / run_files.PROBLEMS}"
        if not options.skip_bad:
            raise DatasetError(f"{summary}\nrepair the data, or leave these out with --skip-bad")
        console.print(f"left out, {summary}", style="yellow", markup=False, highlight=False, soft_wrap=True)
    if data.validation is None and not options.no_validation:
        console.print("no frame is held out: nothing is measured while this trains", style="yellow")
    return data
