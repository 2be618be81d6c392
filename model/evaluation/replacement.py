"""Replace a model's file by that of a retrained one."""

import os
import shutil
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from zipfile import is_zipfile

import numpy as np

from dataset.files import replacing
from model.weights import LoadedModel, WeightsError, load_model, save_model


def check_replaceable(model: LoadedModel, path: Path) -> None:
    """Raise WeightsError if a retrained model could not take the place of this one, loaded from `path`."""
    if model.is_legacy:
        raise WeightsError(f"--promote replaces models of Keras 3; {path} is one of 2017: train without --promote.")
    if model.is_adapted:
        raise WeightsError(
            f"--promote replaces models by others that take and give the same; {path} {model.convention}, and would be"
            " retrained with other layers, or for one size of images: train without --promote."
        )
    if not os.access(path.resolve().parent, os.W_OK):
        raise WeightsError(f"--promote cannot replace {path}: the folder {path.resolve().parent} cannot be written to.")


def replace_weights(new: Path, current: Path) -> Path:
    """Replace `current`, or the file that it links to, by a copy of `new`; return the path of the old one's backup.

    The file keeps its format (HDF5 or a .keras archive) and its permissions, and is replaced atomically.
    """
    current = current.resolve()
    backup = current.with_name(f"{current.stem}.{time.strftime('%Y%m%d-%H%M%S')}{current.suffix}")
    with TemporaryDirectory() as folder:
        if is_zipfile(current):
            model = load_model(new)
            new = save_model(model.model, Path(folder) / "new.keras", model.metadata, model.seen_in_training)
        for source, target in ((current, backup), (new, current)):
            with replacing(target) as temporary:
                shutil.copyfile(source, temporary)
                shutil.copymode(current, temporary)
    return backup


def are_equal(one: LoadedModel, other: LoadedModel) -> bool:
    """Return whether two models have the same weights."""
    weights = one.model.get_weights(), other.model.get_weights()
    return len(weights[0]) == len(weights[1]) and all(map(np.array_equal, *weights))
