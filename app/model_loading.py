"""Load the network that a person chose. TensorFlow takes seconds to import, so it is imported only here and late."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.settings import ModelSettings, Settings
from model.weights.find import find_weights
from sim_bridge.recorder.provenance import describe_origin

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter


@dataclass(frozen=True)
class LoadedModel:
    """A network that is compiled and warmed up."""

    segmenter: "Segmenter"
    path: Path  # of its file
    description: str  # one line
    origin: dict[str, Any]  # for recordings: the model, the settings, the versions


def load_model(settings: Settings) -> LoadedModel:
    """Load the model of the settings.

    Raises ValueError, RuntimeError or OSError with a message for the user.
    """
    segmenter = load_segmenter(settings.model)
    path, description = find_weights(settings.model.weights), segmenter.describe()
    return LoadedModel(segmenter, path, description, describe_origin(description, path, dataclasses.asdict(settings)))


def load_another(settings: Settings, name: str, path: Path) -> tuple["Segmenter", dict[str, Any]]:
    """Load the network of another file, with all other settings unchanged; return it and its origin.

    Raises ValueError, RuntimeError or OSError with a message for the user.
    """
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    settings = dataclasses.replace(settings, model=dataclasses.replace(settings.model, weights=str(shown)))
    segmenter = load_segmenter(settings.model)
    segmenter.name = name  # all trainings have a best.h5
    return segmenter, describe_origin(segmenter.describe(), path, dataclasses.asdict(settings))


def load_segmenter(settings: ModelSettings) -> "Segmenter":
    """Return the network, compiled and warmed up."""
    from model.inference.quiet_tensorflow import import_tensorflow_quietly

    import_tensorflow_quietly()
    from model.inference.segmenter import Segmenter

    return Segmenter(settings.weights, runtime=settings.runtime, device=settings.device)
