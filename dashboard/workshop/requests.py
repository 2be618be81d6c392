"""Requests to the workshop, and the command lines made of them. No text in a request becomes an option."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Gt, Le, MaxLen
from pydantic import StringConstraints

from config.paths import path_of
from dashboard.workshop.workspace import WorkspacePaths, find_model, find_training
from dataset.recordings.layout import find_recording, is_recording_name
from model.evaluation.criteria import Criterion
from model.run_files import ARGUMENTS, CHECKPOINT

Source = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Sources = Annotated[tuple[Source, ...], MaxLen(200), "a list of texts, at most 200"]

CACHE = "cache"  # folder of decoded frames, beside the trainings

VALIDATION_INTERVAL = 4  # epochs: more often than a training from a terminal, since the curves are watched


@dataclass(frozen=True)
class ActivationRequest:
    """Use another model from now on."""

    model: str


@dataclass(frozen=True)
class TrainingRequest:
    """Train a model further; without a name it is date and time."""

    init: str  # model to start from
    minutes: Annotated[float, Gt(0), Le(7 * 24 * 60), "more than 0 and at most 10080 minutes"]
    recordings: Sources = ()
    data: Sources = ()  # folders and .zip files
    name: str = ""
    promote: bool = False
    better: Criterion = "all"
    skip_bad: bool = False


@dataclass(frozen=True)
class ComparisonRequest:
    """Compare two models on either a recording or a data folder."""

    models: Annotated[tuple[str, str], "a list of two models"]
    recording: str = ""
    data: str = ""
    frames: Annotated[int, Ge(1), Le(5000), "a whole number from 1 to 5000"] = 300

    def __post_init__(self) -> None:
        if self.models[0] == self.models[1]:
            raise ValueError(f"models: expected two different models, got {self.models[0]!r:.80} twice")
        if bool(self.recording) == bool(self.data):
            raise ValueError("expected either a recording or a data folder")


def training_arguments(request: TrainingRequest, paths: WorkspacePaths) -> tuple[str, list[str]]:
    """Return the name of a new training and the arguments of `model.train`. Raises ValueError, LookupError."""
    name = request.name or time.strftime("%Y%m%d-%H%M%S")
    if not is_recording_name(name) or name == CACHE:
        raise ValueError(f"name: expected letters, digits, '_', '-' and '.', got {name!r:.40}")
    run = paths.runs / name
    never_started = (run / ARGUMENTS).exists() and not (run / CHECKPOINT).exists()
    if run.exists() and not never_started:
        raise ValueError(f"name: there is a training {name} already; choose another name, or resume that one")
    recordings = [_absolute(find_recording(paths.recordings, each)) for each in request.recordings if each.strip()]
    data = [_find_data(each) for each in request.data if each.strip()]
    if not recordings and not data:
        raise ValueError("recordings: expected at least one recording or data folder to learn from")
    arguments = ["--init", str(find_model(paths, request.init))]
    if recordings:
        arguments += ["--recordings", *recordings]
    for source in data:
        arguments += ["--data", source]
    arguments += ["--minutes", f"{request.minutes:g}", "--validation-interval", str(VALIDATION_INTERVAL)]
    arguments += ["--run", _absolute(run), "--cache", _absolute(paths.runs / CACHE)]
    if paths.train_settings:
        arguments += ["--settings", _absolute(Path(paths.train_settings))]
    if request.promote:
        arguments += ["--promote", "--better", request.better]
    if request.skip_bad:
        arguments += ["--skip-bad"]
    return name, arguments


def resume_arguments(name: str, paths: WorkspacePaths) -> list[str]:
    """Return the arguments of `model.train` to resume a training. Raises ValueError, LookupError."""
    training = find_training(paths.runs, name)
    if not training.summary()["resumable"]:
        reasons = "it is complete, has no checkpoint yet, or uses several workers"
        raise ValueError(f"{name} cannot be resumed here: {reasons}")
    return ["--resume", _absolute(training.path)]


def comparison_arguments(request: ComparisonRequest, paths: WorkspacePaths) -> list[str]:
    """Return the arguments of `model.compare` without --out. Raises LookupError."""
    first, second = (str(find_model(paths, each)) for each in request.models)
    if request.recording:
        source = _absolute(find_recording(paths.recordings, request.recording))
    else:
        source = _find_data(request.data)
    return [first, second, source, "--limit", str(request.frames), "--names", *request.models]


def _find_data(text: str) -> str:
    path = path_of(text)
    if not path.is_dir() and not (path.is_file() and path.suffix.lower() == ".zip"):
        raise LookupError(f"data: there is no folder or .zip {_absolute(path)}")
    return _absolute(path)


def _absolute(path: Path) -> str:
    """Return the absolute path: it never starts with a dash, and is valid in any working directory."""
    return os.path.abspath(path)
