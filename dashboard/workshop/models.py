"""The models that can be chosen in the workshop, and where its files are."""

from dataclasses import dataclass
from pathlib import Path

from dashboard.workshop.trainings import find_trainings
from model.run_files import MODELS


@dataclass(frozen=True)
class WorkspacePaths:
    """Where recordings, trainings and models are."""

    recordings: Path
    runs: Path  # of trainings
    models: tuple[Path, ...]  # the active file first, then files and folders of others
    train_settings: str = ""  # changes to model/train.toml


def find_models(paths: WorkspacePaths) -> dict[str, Path]:
    """Return the models by name: the active one, those of the project, those of trainings."""
    found: dict[str, Path] = {}
    for path in paths.models:
        files = sorted(path.glob("*.h5")) if path.is_dir() else [path]
        for file in map(Path.resolve, files):
            if file.is_file() and file not in found.values():
                found[file.name if file.name not in found else f"{file.parent.name}/{file.name}"] = file
    for training in find_trainings(paths.runs):
        for name in MODELS:
            if (training.path / name).is_file():
                found[f"{training.name}/{name}"] = (training.path / name).resolve()
    return found


def find_model(paths: WorkspacePaths, name: str) -> Path:
    """Return the file of a model. Raises LookupError."""
    models = find_models(paths)
    if name not in models:
        raise LookupError(f"there is no model {name!r:.100}; there are {', '.join(models) or 'none'}")
    return models[name]
