"""Save models in Keras' formats, .h5 or .keras, with this project's metadata and the digests of the training set."""

import json
import logging
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from config.version import VERSION
from dataset.files import replacing
from dataset.schema import DEFAULT_CLASSES, Classes
from model.weights.class_metadata import classes_as_metadata
from model.weights.find import WeightsError
from model.weights.load import ARCHIVED_METADATA, ARCHIVED_SEEN, METADATA, SEEN_IN_TRAINING, load_model, read_attribute

if TYPE_CHECKING:
    import keras


def save_model(
    model: "keras.Model",
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    seen_in_training: np.ndarray | None = None,
    classes: Classes = DEFAULT_CLASSES,
) -> Path:
    """Write architecture, weights and metadata to an .h5 or .keras file, atomically: readers never meet a part of it.

    `metadata` is anything that JSON can hold; the program's version is added. `seen_in_training` are the (n,) uint64
    `PackedFrames.digests` of all frames that the model was trained on. `classes` are those of its outputs. Folders
    above `path` are created.

    Raises WeightsError when the model holds layers that `load_model` refuses, or the file cannot be written.
    """
    path = Path(path)
    if path.suffix not in _WRITERS:
        raise WeightsError(f"A model is saved as {' or '.join(_WRITERS)}; {path.name} is neither.")
    try:
        text = json.dumps({**(metadata or {}), **classes_as_metadata(classes), "version": VERSION})
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            logging.getLogger("absl").addFilter(_is_worth_showing)
            _WRITERS[path.suffix](model, temporary, text, seen_in_training)
    except (OSError, TypeError, ValueError) as error:
        raise WeightsError(f"The model cannot be saved to {path}: {error}.") from error
    return path


def _write_hdf5(model: "keras.Model", path: Path, metadata: str, seen_in_training: np.ndarray | None) -> None:
    from model.weights.trusted import check_architecture

    model.save(path, include_optimizer=False)
    with h5py.File(path, "r+") as file:
        check_architecture(json.loads(read_attribute(file, "model_config")))
        file.attrs[METADATA] = metadata
        if seen_in_training is not None:
            file.create_dataset(SEEN_IN_TRAINING, data=seen_in_training)


def _write_archive(model: "keras.Model", path: Path, metadata: str, seen_in_training: np.ndarray | None) -> None:
    from model.weights.trusted import check_architecture

    model.save(path)
    with zipfile.ZipFile(path, "a") as archive:
        check_architecture(json.loads(archive.read("config.json")))
        archive.writestr(ARCHIVED_METADATA, metadata)
        if seen_in_training is not None:
            with archive.open(ARCHIVED_SEEN, "w") as member:
                np.save(member, seen_in_training, allow_pickle=False)


_WRITERS = {".h5": _write_hdf5, ".keras": _write_archive}


def check_savable(model: "keras.Model") -> None:
    """Raise WeightsError when `load_model` would refuse the file that `save_model` writes; takes a second at most."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            load_model(save_model(model, Path(folder) / "model.h5"))
        except WeightsError as error:
            raise WeightsError(f"The model could not be saved and loaded again: {error.__cause__ or error}.") from error


def _is_worth_showing(record: logging.LogRecord) -> bool:
    return "HDF5" not in record.getMessage()  # Keras warns at each save that .h5 is its old format
