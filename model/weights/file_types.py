"""Recognise files that are no models by their names and first bytes."""

import codecs
import zipfile
from pathlib import Path

import h5py

from dataset.downloads import placeholder
from model.weights.find import WeightsError
from model.weights.other_formats import describe_other_format


def check_file_type(path: Path) -> None:
    """Raise WeightsError if the first bytes are not a model's, before Keras is imported."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
        is_model = zipfile.is_zipfile(path) or h5py.is_hdf5(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error
    if is_model:
        return
    refuse_placeholder(path, head)
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b'"'):
        raise WeightsError(
            f"{path} is a text file, perhaps a model's configuration; give the weights file that belongs to it."
        )
    if head.startswith(b"\x89HDF"):  # the rest of the signature is line endings, which a transfer as text changes
        raise WeightsError(f"{path} is an HDF5 file that was transferred as text; download it again.")
    if head.startswith(b"PK"):
        raise WeightsError(f"{path} is a truncated zip archive.")
    if other := describe_other_format(path):
        raise WeightsError(f"{path} {other}.")
    raise WeightsError(f"{path} is not a Keras model: neither HDF5 (.h5) nor a .keras archive.")


def refuse_placeholder(path: Path, head: bytes) -> None:
    """Raise WeightsError for what a failed download leaves in place of a file."""
    if defect := placeholder(head):
        raise WeightsError(f"{path} {defect}.")
