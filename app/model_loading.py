"""Load the chosen network. TensorFlow takes seconds to import, so it is imported only here and late."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.settings import Settings
from config.version import software_versions
from model.inference.load import load_agent_segmenter
from model.weights.find import describe_place, find_weights

if TYPE_CHECKING:
    from model.inference.agent_segmenter import AgentSegmenter


@dataclass(frozen=True)
class LoadedModel:
    """A network that is compiled and warmed up."""

    segmenter: "AgentSegmenter"
    path: Path  # of its file
    place: str  # a sentence about it if it is not just the file of that name
    description: str  # one line
    origin: dict[str, Any]  # of `describe_origin`


def load_model(settings: Settings, name: str = "") -> LoadedModel:
    """Load the model of the settings, under another name than its file's if one is given.

    Raises ValueError, RuntimeError or OSError with a message for the user.
    """
    chosen = settings.model
    segmenter = load_agent_segmenter(chosen.weights, chosen.runtime, chosen.device)
    if name:
        segmenter.name = name
    path, description = find_weights(chosen.weights), segmenter.describe()
    origin = describe_origin(description, path, dataclasses.asdict(settings))
    return LoadedModel(segmenter, path, describe_place(chosen.weights), description, origin)


def load_another(settings: Settings, name: str, path: Path) -> tuple["AgentSegmenter", dict[str, Any]]:
    """Load another file's network under a name (all trainings have a best.h5); return it and its origin."""
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, weights=str(shown)))
    model = load_model(settings, name)
    return model.segmenter, model.origin


def describe_origin(description: str, weights: Path, settings: Mapping[str, object]) -> dict[str, Any]:
    """Return plain data for the `meta.json` of recordings: the model's exact file, settings, versions of software.

    `description` is of the model, one line; `settings` are all, by section. Raises OSError.
    """
    with weights.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return {
        "model": {"description": description, "file": weights.name, "sha256": digest},
        "settings": dict(settings),
        "versions": software_versions(),
    }
