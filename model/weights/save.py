"""Save models in this project's format: one Keras .h5 with metadata and the digests of the training set."""

import json
import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from config.version import VERSION
from dataset.files import replacing
from model.weights.find import WeightsError
from model.weights.load import METADATA, SEEN_IN_TRAINING, load_model, read_attribute

if TYPE_CHECKING:
    import keras


def save_model(
    model: "keras.Model",
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    seen_in_training: np.ndarray | None = None,
) -> Path:
    """Write architecture, weights and metadata to one `.h5`, atomically: readers never meet an incomplete file.

    `metadata` is anything that JSON can hold; the program's version is added. `seen_in_training` are the (n,) uint64
    `PackedFrames.digests` of all frames that the model was trained on. Folders above `path` are created.

    Raises WeightsError when the model holds layers that `load_model` refuses, or the file cannot be written.
    """
    from model.weights.trusted import check_architecture

    path = Path(path)
    if path.suffix != ".h5":
        raise WeightsError(f"A model is saved as .h5; {path.name} is not.")
    try:
        text = json.dumps({**(metadata or {}), "version": VERSION})
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            logging.getLogger("absl").addFilter(_is_worth_showing)
            model.save(temporary, include_optimizer=False)
            with h5py.File(temporary, "r+") as file:
                check_architecture(json.loads(read_attribute(file, "model_config")))
                file.attrs[METADATA] = text
                if seen_in_training is not None:
                    file.create_dataset(SEEN_IN_TRAINING, data=seen_in_training)
    except (OSError, TypeError, ValueError) as error:
        raise WeightsError(f"The model cannot be saved to {path}: {error}.") from error
    return path


def check_savable(model: "keras.Model") -> None:
    """Raise WeightsError when `load_model` would refuse the file that `save_model` writes; takes a second at most."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            load_model(save_model(model, Path(folder) / "model.h5"))
        except WeightsError as error:
            raise WeightsError(f"The model could not be saved and loaded again: {error.__cause__ or error}.") from error


def _is_worth_showing(record: logging.LogRecord) -> bool:
    return "HDF5" not in record.getMessage()  # Keras warns at each save that .h5 is its old format
