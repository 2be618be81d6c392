"""What people ask of the workshop, read into lists of arguments. No text of theirs becomes an option or a shell's."""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

from dashboard.workshop.trainings import find_training, find_trainings
from dataset.recordings.layout import is_recording, is_recording_name
from model.evaluation.promotion.criteria import CRITERIA
from model.training.run_files import ARGUMENTS, CHECKPOINT, MODELS

MOST_MINUTES = 7 * 24 * 60
MOST_SOURCES = 200
MOST_FRAMES = 5000  # of a comparison
FRAMES = 300
MEASURE_EVERY = 4  # epochs: more often than a long training does, since somebody watches


@dataclass(frozen=True)
class WorkspacePaths:
    """Where recordings, trainings and models are."""

    recordings: Path
    runs: Path  # of trainings
    models: tuple[Path, ...]  # the file in use first, then files and folders of others
    train_settings: str = ""  # changes to model/train.toml


def find_models(paths: WorkspacePaths) -> dict[str, Path]:
    """The models that can be chosen, by name: the one in use, those of the project, those of trainings."""
    found: dict[str, Path] = {}
    for place in paths.models:
        files = sorted(place.glob("*.h5")) if place.is_dir() else [place]
        for file in map(Path.resolve, files):
            if file.is_file() and file not in found.values():
                found[file.name if file.name not in found else f"{file.parent.name}/{file.name}"] = file
    for training in find_trainings(paths.runs):
        for name in MODELS:
            if (training.path / name).is_file():
                found[f"{training.name}/{name}"] = (training.path / name).resolve()
    return found


def find_model(paths: WorkspacePaths, field: str, name: object) -> Path:
    """The file of a model by its name, which came as `field`. Raises LookupError."""
    models = find_models(paths)
    if not isinstance(name, str) or name not in models:
        raise LookupError(f"{field}: there is no model {name!r:.100}; there are {', '.join(models) or 'none'}")
    return models[name]


def read_training(body: Mapping, paths: WorkspacePaths) -> tuple[str, list[str]]:
    """(name, arguments of `model.train`) for what a form asks.

    Raises ValueError, or LookupError for what is not there.
    """
    name = body.get("name") or time.strftime("%Y%m%d-%H%M%S")
    if not is_recording_name(name) or name == "cache":
        raise ValueError(f"name: expected letters, digits, '_', '-' and '.', got {name!r:.40}")
    run = paths.runs / name
    if run.exists() and not ((run / ARGUMENTS).exists() and not (run / CHECKPOINT).exists()):  # one that never began
        raise ValueError(f"name: there is a training {name} already; choose another name, or resume that one")
    recordings = [_recording(paths, each) for each in _texts(body, "recordings")]
    data = [_folder(each) for each in _texts(body, "data")]
    if not recordings and not data:
        raise ValueError("recordings: expected at least one recording or data folder to learn from")
    better = body.get("better", "all")
    if not isinstance(better, str) or better not in CRITERIA:
        raise ValueError(f"better: expected one of {', '.join(CRITERIA)}, got {better!r:.40}")
    arguments = ["--init", str(find_model(paths, "init", body.get("init")))]
    if recordings:
        arguments += ["--recordings", *recordings]
    for source in data:
        arguments += ["--data", source]
    arguments += ["--minutes", f"{_minutes(body):g}", "--validate-every", str(MEASURE_EVERY)]
    arguments += ["--run", _absolute(run), "--cache", _absolute(paths.runs / "cache")]
    if paths.train_settings:
        arguments += ["--settings", _absolute(Path(paths.train_settings))]
    if _flag(body, "promote"):
        arguments += ["--promote", "--better", better]
    if _flag(body, "skip_bad"):
        arguments += ["--skip-bad"]
    return name, arguments


def read_resumption(name: str, paths: WorkspacePaths) -> list[str]:
    """The arguments of `model.train` that go on with a training. Raises ValueError, or LookupError if there is none."""
    training = find_training(paths.runs, name)
    if not training.summary()["resumable"]:
        reasons = "it has learnt for as long as it should, has no checkpoint yet, or takes several workers"
        raise ValueError(f"{name} cannot be resumed here: {reasons}")
    return ["--resume", _absolute(training.path)]


def read_comparison(body: Mapping, paths: WorkspacePaths) -> list[str]:
    """The arguments of `model.compare`, but for --out. Raises ValueError, or LookupError for what is not there."""
    models = body.get("models")
    if not isinstance(models, list) or len(models) != 2 or models[0] == models[1]:
        raise ValueError(f"models: expected a list of two different models, got {models!r:.80}")
    first, second = (str(find_model(paths, "models", each)) for each in models)
    recording, folder = body.get("recording") or "", body.get("data") or ""
    if not (isinstance(recording, str) and isinstance(folder, str)) or bool(recording) == bool(folder):
        raise ValueError("expected either a recording or a data folder")
    frames = body.get("frames", FRAMES)
    if not (isinstance(frames, int) and not isinstance(frames, bool) and 1 <= frames <= MOST_FRAMES):
        raise ValueError(f"frames: expected 1 to {MOST_FRAMES}, got {frames!r:.40}")
    source = _recording(paths, recording) if recording else _folder(folder)
    return [first, second, source, "--limit", str(frames), "--names", *models]


def _recording(paths: WorkspacePaths, name: str) -> str:
    folder = paths.recordings
    if folder.is_dir() and name in os.listdir(folder) and is_recording(folder / name):
        return _absolute(folder / name)
    raise LookupError(f"recordings: there is no recording {name!r:.100}")


def _folder(text: str) -> str:
    path = Path(text).expanduser()
    if not path.is_dir() and not (path.is_file() and path.suffix.lower() == ".zip"):
        raise LookupError(f"data: there is no folder or .zip {_absolute(path)}")
    return _absolute(path)


def _absolute(path: Path) -> str:
    """Never begins with a dash, and means the same wherever it is read."""
    return os.path.abspath(path)


def _texts(body: Mapping, field: str) -> list[str]:
    values = body.get(field, [])
    if not (isinstance(values, list) and all(isinstance(each, str) and "\0" not in each for each in values)):
        raise ValueError(f"{field}: expected a list of texts, got {values!r:.40}")
    if len(values) > MOST_SOURCES:
        raise ValueError(f"{field}: expected at most {MOST_SOURCES}, got {len(values)}")
    return [each.strip() for each in values if each.strip()]


def _minutes(body: Mapping) -> float:
    minutes = body.get("minutes")
    number = isinstance(minutes, Real) and not isinstance(minutes, bool) and math.isfinite(minutes)
    if not (number and 0 < minutes <= MOST_MINUTES):
        raise ValueError(f"minutes: expected more than 0 and at most {MOST_MINUTES}, got {minutes!r:.40}")
    return float(minutes)


def _flag(body: Mapping, field: str) -> bool:
    flag = body.get(field, False)
    if not isinstance(flag, bool):
        raise ValueError(f"{field}: expected true or false, got {flag!r:.40}")
    return flag
