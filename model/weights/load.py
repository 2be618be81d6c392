"""Load models: this project's single files, and the pairs of weights and configuration of 2017 (`model.legacy`).

Nothing in a file is executed: architectures are built from tables of known layers only. Keras is imported only once a
file turns out to be a model.
"""

import io
import json
import tempfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from dataset.schema import DEFAULT_CLASSES, Classes
from model.weights.class_metadata import read_classes
from model.weights.file_types import check_file_type, refuse_placeholder
from model.weights.find import WeightsError, find_config, find_weights
from model.weights.other_formats import describe_other_format

if TYPE_CHECKING:
    import keras

# This project's additions to Keras' .h5 files, an attribute with JSON and a dataset of digests;
# to its .keras archives, members.
METADATA, SEEN_IN_TRAINING = "follow_me_metadata", "follow_me_seen_in_training"
ARCHIVED_METADATA, ARCHIVED_SEEN = f"{METADATA}.json", f"{SEEN_IN_TRAINING}.npy"


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to predict (n, rows, columns, classes) probabilities from (n, rows, columns, 3) RGB in 0..255.

    The output's rows and columns are usually, not always, those of `input_size`.
    """

    model: "keras.Model"
    name: str  # of the file
    input_size: tuple[int, int]  # (rows, columns), pixels
    metadata: Mapping[str, Any] = field(default_factory=dict)  # as passed to `save_model`, and the program's version
    seen_in_training: np.ndarray | None = None  # (n,) uint64 digests of the frames it was trained on, if recorded
    is_legacy: bool = False  # whether it is a model of 2017
    convention: str = ""  # of another maker's: what its file takes and gives, for display
    is_adapted: bool = False  # whether it takes or gives something else here
    finds_people: bool = True  # if not, it may not be trained yet; known of other makers' only
    classes: Classes = DEFAULT_CLASSES  # of its outputs

    def check_classes(self, expected: Classes, whose: str, hint: str = "") -> None:
        """Raise WeightsError if it tells other classes apart than `whose`; `hint` ends the sentence."""
        if self.classes != expected:
            raise WeightsError(
                f"{self.name} tells apart {self.classes}, but the classes of {whose} are {expected}{hint}"
            )


def load_model(name: str | Path) -> LoadedModel:
    """Load a Keras 3 model (`.h5`, `.keras`) or one of 2017 (weights with `config_<name>` beside them, or one `.h5`).

    What other makers' models take and give is found out, see `model.weights.foreign`. Raises WeightsError.
    """
    path = find_weights(name)
    check_file_type(path)
    try:
        if zipfile.is_zipfile(path):
            return _load_archive(path)
        with h5py.File(path, "r", locking=False) as file:
            return _load_hdf5(path, file)
    except WeightsError:
        raise
    except ValueError as error:  # from modules that read parts of a file and do not have its name
        raise WeightsError(f"{path}: {error}.") from error
    except (OSError, RuntimeError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(f"{path} is damaged, perhaps truncated: {error}.") from error


def _load_hdf5(path: Path, file: h5py.File) -> LoadedModel:
    if architecture := read_attribute(file, "model_config"):
        load = _load_keras_3 if read_attribute(file, "keras_version").startswith("3") else _load_legacy
        return load(path, file, architecture)
    if "layer_names" not in file.attrs and ("layers" in file or "_layer_checkpoint_dependencies" in file):
        raise WeightsError(
            f'{path} holds weights of Keras without their network; save the whole model: model.save("model.h5").'
        )
    config_path = find_config(path)
    try:
        content = config_path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The configuration {config_path} cannot be read: {error}.") from error
    refuse_placeholder(config_path, content)
    try:
        return _load_legacy(path, file, content)
    except ValueError as error:
        raise WeightsError(f"{path} with {config_path.name}: {error}.") from error


def _load_legacy(path: Path, file: h5py.File, text: str | bytes) -> LoadedModel:
    from model.legacy.architecture import keras_version, read_architecture
    from model.legacy.graph import build_model, takes_signed
    from model.legacy.stored_weights import assign_weights

    # Keras' version is an attribute of a file with architecture, but part of a separate configuration.
    architecture = {"keras_version": read_attribute(file, "keras_version")} | read_architecture(text)
    model, layers, frozen = build_model(architecture, name=path.stem)
    assign_weights(layers, file, keras_version(architecture), frozen)
    return _adapted(path, model, "-1..1" if takes_signed(model) else "0..255", is_legacy=True)


def _load_keras_3(path: Path, file: h5py.File, architecture: str) -> LoadedModel:
    from model.legacy.stored_weights import assign_weights, layers_of_model
    from model.weights.trusted import build_trusted

    model = build_trusted(_parse(architecture))
    assign_weights(layers_of_model(model), file)
    if not (metadata := read_attribute(file, METADATA)):
        return _adapted(path, model, "0..255")
    seen = np.asarray(file[SEEN_IN_TRAINING][()]) if SEEN_IN_TRAINING in file else None
    return _own(path, model, _parse(metadata), seen)


def _load_archive(path: Path) -> LoadedModel:
    with zipfile.ZipFile(path) as archive:
        if not {"config.json", "model.weights.h5"} <= set(archive.namelist()):
            raise WeightsError(f"{path} {describe_other_format(path) or 'is a zip archive, but not a Keras model'}.")
        from model.weights.trusted import build_trusted

        model = build_trusted(_parse(archive.read("config.json")))
        with tempfile.TemporaryDirectory() as folder:
            model.load_weights(archive.extract("model.weights.h5", folder))
        if ARCHIVED_METADATA not in archive.namelist():
            return _adapted(path, model, "0..255")
        seen = None
        if ARCHIVED_SEEN in archive.namelist():
            seen = np.load(io.BytesIO(archive.read(ARCHIVED_SEEN)), allow_pickle=False)
        return _own(path, model, _parse(archive.read(ARCHIVED_METADATA)), seen)


def _own(path: Path, model: "keras.Model", metadata: Mapping[str, Any], seen: np.ndarray | None) -> LoadedModel:
    """Return a model that this project has saved."""
    classes = read_classes(metadata)
    return LoadedModel(model, path.name, _checked_size(model, classes), metadata, seen, classes=classes)


def _adapted(path: Path, model: "keras.Model", usual: str, is_legacy: bool = False) -> LoadedModel:
    """Return a model of another maker, which usually takes RGB of the range `usual`."""
    from model.weights.foreign import adapt

    adapted = adapt(model, usual)
    return LoadedModel(
        adapted.network,
        path.name,
        tuple(adapted.network.input_shape[1:3]),
        is_legacy=is_legacy,
        convention=adapted.description,
        is_adapted=adapted.changed,
        finds_people=adapted.finds_people,
    )


def _checked_size(model: "keras.Model", classes: Classes) -> tuple[int, int]:
    """Return (rows, columns) of the images that a model takes. Raises ValueError if it is no image segmenter."""
    inputs, outputs = model.input_shape, model.output_shape
    if not isinstance(inputs, tuple) or len(inputs) != 4 or inputs[3] != 3 or None in inputs[1:3]:
        raise ValueError(f"the model takes {inputs}; expected (batch, rows, columns, 3) with fixed rows and columns")
    count = len(classes)
    if not isinstance(outputs, tuple) or len(outputs) != 4 or outputs[3] != count:
        names = ", ".join(classes.names)
        raise ValueError(f"the model returns {outputs}; expected (batch, rows, columns, {count}): {names}")
    return inputs[1], inputs[2]


def read_attribute(file: h5py.File, name: str) -> str:
    """Return a text attribute; empty if it is missing or not text."""
    value = file.attrs.get(name)
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text if isinstance(text, str) else ""


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the description of the model in it is not JSON ({error})") from error
