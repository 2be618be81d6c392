"""Finds, loads and saves models: our own single files and the two-file models of 2017 (`legacy`).

Nothing in a file is executed: architectures are built from tables of known layers only. Every file that cannot be used
is a `WeightsError` of one sentence. Keras is imported only once a file has turned out to be worth it.
"""

import codecs
import difflib
import json
import logging
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import h5py

from dataset.files import replacing

if TYPE_CHECKING:
    import keras
    import numpy as np

logger = logging.getLogger(__name__)

WEIGHTS_FOLDER = Path(__file__).parent
_METADATA, _LEARNT = "follow_me_metadata", "follow_me_learnt"
_SUFFIXES = ("", ".h5", ".keras", ".hdf5")


class WeightsError(ValueError):
    """A model file cannot be found, read, trusted or written; the message is one sentence that says why."""


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to predict.

    `model` takes (n, rows, cols, 3) float32 RGB 0..255 and gives (n, rows, cols, 3) float32 probabilities of
    background, people and hero; the rows and columns it gives are usually, not always, those of `input_size`.
    """

    model: "keras.Model"
    name: str
    input_size: tuple[int, int]  # rows, columns
    kind: Literal["legacy", "own"]
    metadata: Mapping[str, Any] = field(default_factory=dict)


def find_weights(name: str | Path) -> Path:
    """The file that `name` means: as given, or in `model/weights/`, with a suffix more or less.

    Raises WeightsError that suggests the nearest names.
    """
    try:
        given = Path(name).expanduser()
        names = [f"{given}{suffix}" for suffix in _SUFFIXES]
        if given.suffix in _SUFFIXES[1:]:
            names.append(f"{given.with_suffix('')}")  # what the project of 2017 wrote had none
        for folder in (Path(), WEIGHTS_FOLDER):
            for candidate in (folder / name for name in names):
                if candidate.is_file():
                    return candidate
        if given.is_dir():
            raise WeightsError(f"{name} is a folder; give the weights file inside it.")
        if Path(f"{given}.index").is_file():
            raise WeightsError(
                f"{name} is a TensorFlow checkpoint; save the model as .h5 with the Keras it comes from."
            )
        folders = {folder.resolve() for folder in (given.parent, WEIGHTS_FOLDER) if folder.is_dir()}
        neighbours = sorted({path.name for folder in folders for path in folder.iterdir() if _looks_like_weights(path)})
    except (OSError, RuntimeError) as error:  # RuntimeError: ~somebody who has no home
        raise WeightsError(f"{name} cannot be looked up: {error}.") from error
    nearest = difflib.get_close_matches(given.name, neighbours, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else "."
    raise WeightsError(f"There is no weights file {name}, neither as given nor in {WEIGHTS_FOLDER}{hint}")


def _looks_like_weights(path: Path) -> bool:
    return path.is_file() and path.suffix in _SUFFIXES and not path.name.startswith(("config", ".", "README"))


def load_model(name: str | Path) -> LoadedModel:
    """Load our own model (`.h5`, `.keras`), or one of 2017 (weights and `config_<name>` beside them, or a whole `.h5`).

    Raises WeightsError: not found, truncated, foreign, without architecture, unknown layers, shapes that do not fit.
    """
    path = find_weights(name)
    _refuse_foreign(path)
    try:
        if zipfile.is_zipfile(path):
            return _load_archive(path)
        with h5py.File(path, "r", locking=False) as file:
            return _load_hdf5(path, file)
    except WeightsError:
        raise
    except ValueError as error:  # of the modules that read parts of a file: what is wrong, but not with which file
        raise WeightsError(f"{path}: {error}.") from error
    except (OSError, RuntimeError, KeyError, TypeError, zipfile.BadZipFile, zlib.error) as error:
        raise WeightsError(f"{path} is damaged, perhaps cut short: {error}.") from error


def _refuse_foreign(path: Path) -> None:
    """Look at the first bytes, so that a picture or an empty file gets its own sentence before anything slow runs."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
        is_model = zipfile.is_zipfile(path) or h5py.is_hdf5(path)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from error
    if is_model:
        return
    _refuse_stand_in(path, head)
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b'"'):
        raise WeightsError(
            f"{path} is a text file, perhaps a model's configuration; give the weights file that belongs to it."
        )
    if head.startswith(b"\x89HDF"):  # the signature goes on with line ends, to show just this
        raise WeightsError(f"{path} is HDF5 whose bytes were changed on the way, as if it were text; fetch it again.")
    if head.startswith(b"PK"):
        raise WeightsError(f"{path} is a zip archive cut short.")
    raise WeightsError(f"{path} is not a Keras model: neither HDF5 (.h5) nor a .keras archive.")


def _refuse_stand_in(path: Path, head: bytes) -> None:
    """Recognise what takes the place of a file when it was not fetched rightly."""
    if not head:
        raise WeightsError(f"{path} is empty.")
    if head.startswith(b"version https://git-lfs"):
        raise WeightsError(f"{path} is only a Git LFS pointer; fetch the file itself with 'git lfs pull'.")
    if head.removeprefix(codecs.BOM_UTF8).lstrip()[:5].lower() in (b"<!doc", b"<html"):
        raise WeightsError(f"{path} is a web page about the file; download the file itself, on GitHub as 'raw'.")


def _load_hdf5(path: Path, file: h5py.File) -> LoadedModel:
    text = _attribute(file, "model_config")
    if text is not None and _attribute(file, "keras_version", default="").startswith("3"):
        return _load_own(path, file, _parse(text))
    if text is not None:
        return _load_legacy(path, file, text)
    config_path = find_config(path)
    try:
        text = config_path.read_bytes()
    except OSError as error:
        raise WeightsError(f"The configuration {config_path} cannot be read: {error}.") from error
    _refuse_stand_in(config_path, text)
    try:
        return _load_legacy(path, file, text)
    except ValueError as error:
        raise WeightsError(f"{path} with {config_path.name}: {error}.") from error


def _load_legacy(path: Path, file: h5py.File, text: str | bytes) -> LoadedModel:
    from model.legacy import graph as legacy
    from model.legacy.stored_weights import assign_weights

    # A whole model says in the file what a configuration of its own says in itself.
    architecture = {"keras_version": _attribute(file, "keras_version")} | legacy.read_architecture(text)
    model, network = legacy.build_model(architecture, name=path.stem)
    assign_weights(legacy.network_slots(network), file, legacy.keras_version(architecture))
    rows, cols = model.input_shape[1:3]
    return LoadedModel(model, path.name, (rows, cols), "legacy")


def find_config(path: Path) -> Path:
    """The configuration beside the weights file `path` of 2017: `config_<name>`, or a near relative of it."""
    name, stem = path.name, path.stem
    wanted = [
        *(f"config_{base}{suffix}" for base in (name, stem) for suffix in ("", ".json", ".h5", ".hdf5", ".txt")),
        *(f"{base}{ending}" for base in (stem, name) for ending in (".json", "_config", "_config.json")),
    ]
    beside = {other.name.lower(): other for other in sorted(path.parent.iterdir()) if other.is_file() and other != path}
    for candidate in wanted:
        if candidate.lower() in beside:
            return beside[candidate.lower()]
    others = [other for key, other in beside.items() if key.startswith("config")]
    if len(others) == 1:
        return others[0]
    hint = (
        f"if it is one of {', '.join(other.name for other in others[:5])}, give it that name"
        if others
        else ("put the two files into one folder")
    )
    raise WeightsError(
        f"{path} holds weights but no architecture, and its configuration config_{name} is not beside it; {hint}."
    )


def _attribute(file: h5py.File, name: str, default: str | None = None) -> str | None:
    value = file.attrs.get(name, default)
    text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return text if isinstance(text, str) else default


def _parse(text: str | bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the description of the model in it is not JSON ({error})") from error


def _load_own(path: Path, file: h5py.File, architecture: dict[str, Any]) -> LoadedModel:
    from model.legacy.stored_weights import assign_weights, model_slots
    from model.weights.trusted import build_trusted

    model = build_trusted(architecture)
    assign_weights(model_slots(model), file)
    metadata = _parse(_attribute(file, _METADATA, default="{}"))
    return LoadedModel(model, path.name, _checked_size(model), "own", metadata)


def _load_archive(path: Path) -> LoadedModel:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        if "config.json" not in names or "model.weights.h5" not in names:
            raise WeightsError(f"{path} is a zip archive, but not a Keras model.")
        architecture = _parse(archive.read("config.json"))
        from model.weights.trusted import build_trusted

        model = build_trusted(architecture)
        size = _checked_size(model)
        with tempfile.TemporaryDirectory() as folder:
            model.load_weights(archive.extract("model.weights.h5", folder))
    return LoadedModel(model, path.name, size, "own")


def _checked_size(model: "keras.Model") -> tuple[int, int]:
    """(rows, cols) of the images that one of our models takes; ValueError when it is not an image segmenter."""
    given, taken = model.output_shape, model.input_shape
    if not isinstance(taken, tuple) or len(taken) != 4 or taken[3] != 3 or None in taken[1:3]:
        raise ValueError(f"the model takes {taken}; expected (batch, rows, cols, 3) with fixed rows and columns")
    if not isinstance(given, tuple) or len(given) != 4 or given[3] != 3:
        raise ValueError(f"the model gives {given}; expected (batch, rows, cols, 3) for background, people and hero")
    return taken[1], taken[2]


def save_model(
    model: "keras.Model",
    path: str | Path,
    metadata: Mapping[str, Any] | None = None,
    learnt: "np.ndarray | None" = None,
) -> Path:
    """Write architecture, weights and `metadata` (anything JSON can hold) to one `.h5`; readers never see half a file.

    `learnt`: what `read_learnt` gives back, the `Frames.digests` of all that the model was trained on.

    Raises WeightsError when the model holds layers that `load_model` would refuse, or the file cannot be written.
    """
    from model.weights.trusted import check_architecture

    path = Path(path)
    if path.suffix != ".h5":
        raise WeightsError(f"A model is saved as .h5; {path.name} is not.")
    try:
        text = json.dumps(dict(metadata or {}))
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            with _without_advice_of_keras():
                model.save(temporary, include_optimizer=False)
            with h5py.File(temporary, "r+") as file:
                check_architecture(json.loads(_attribute(file, "model_config")))
                file.attrs[_METADATA] = text
                if learnt is not None:
                    file.create_dataset(_LEARNT, data=learnt)
    except (OSError, TypeError, ValueError) as error:
        raise WeightsError(f"The model cannot be saved to {path}: {error}.") from error
    return path


def read_learnt(name: str | Path) -> "np.ndarray | None":
    """(n,) uint64 digests of the frames that a model learnt; None where its file does not tell. Raises WeightsError."""
    path = find_weights(name)
    if not h5py.is_hdf5(path):
        return None
    with h5py.File(path, "r", locking=False) as file:
        return file[_LEARNT][()] if _LEARNT in file else None


def check_savable(model: "keras.Model") -> None:
    """Raises WeightsError when `load_model` would refuse what `save_model` makes of the model; a second at most."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            load_model(save_model(model, Path(folder) / "model.h5"))
        except WeightsError as error:
            raise WeightsError(f"The model could not be saved and loaded again: {error.__cause__ or error}.") from error


@contextmanager
def _without_advice_of_keras() -> Iterator[None]:
    """Keras logs at each save that .h5 is its old format; users need not read that at every checkpoint."""
    keras_logger = logging.getLogger("absl")
    level = keras_logger.level
    keras_logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        keras_logger.setLevel(level)
