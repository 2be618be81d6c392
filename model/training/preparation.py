"""What a training begins with: the network, its teachers, and the frames."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.progress import track

from dataset.archives import DatasetError
from dataset.problems import summarise_problems
from dataset.schema import DEFAULT_CLASSES, HERO, Classes, at_reference_size
from model.console import console, print_place, print_plain
from model.data.cleaning import CleanSplit, clean_split
from model.data.left_out import LeftOut
from model.data.packed_frames import PackedFrames
from model.data.packing import pack
from model.data.shown_classes import check_shown_classes
from model.data.sources import DataSources, SourceFrame
from model.evaluation.criteria import CRITERIA, MIN_FRAMES, Criterion
from model.settings import TrainSettings
from model.training.arguments import Arguments
from model.training.run_folder import RunFolder

if TYPE_CHECKING:
    import keras

    from model.weights import LoadedModel

FINE_TUNED = 0.5  # least fraction of a network's weights from --init with which it keeps what it knows


class Models(NamedTuple):
    """What a training begins with, and the settings that suit it."""

    network: "keras.Model"
    settings: TrainSettings
    init: "LoadedModel | None"
    teachers: "list[LoadedModel]"


def prepare_models(options: Arguments, settings: TrainSettings, classes: Classes) -> Models:
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
    network, known = initial_network(options, settings, init, classes)
    transferred = options.encoder_weights not in (None, NONE)
    fine_tuning = init is not None and init.finds_people and known >= FINE_TUNED
    adapted = adapt_settings(settings, network, fine_tuning, transferred)
    if fine_tuning:
        print_plain(f"fine-tuning at fine_tuning_learning_rate = {adapted.learning_rate:g} instead of learning_rate")
    elif init:
        reason = f"most of the {settings.preset} is new" if init.finds_people else f"{options.init} detects nobody yet"
        print_plain(f"{reason}: it learns at the rate of a new network, {adapted.learning_rate:g}")
        if settings.frozen_levels or settings.encoder_learning_rate < 1:
            print_plain("frozen_levels and encoder_learning_rate are left out for the same reason", style="yellow")
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


def load_frames(sources: DataSources, options: Arguments, run: RunFolder, size: tuple[int, int]) -> CleanSplit:
    """Decode and check all frames.

    Raises DatasetError for bad ones, unless --skip-bad excludes them, and if those that are left do not suffice.
    """
    from model.training.validation import has_score

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
    for note in check_shown_classes(split):
        print_plain(note, style="yellow")
    if split.validation is None and sources.explicit:
        raise DatasetError(
            "expected frames to validate on, because of --validation or --hold-out, but none is left: repair these"
            " frames, choose others, or train with --no-validation instead"
        )
    if split.validation is None and not options.no_validation:
        print_plain("no frame is held out: this training is not validated", style="yellow")
    if split.validation is not None and not has_score(split.validation):
        text = f"no validation frame shows a visible {sources.classes.target_name}: there is no score and no best model"
        print_plain(f"{text}, but {run.last}", style="yellow")
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
