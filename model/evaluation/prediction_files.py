"""Predictions as files, as the original project wrote them for its graders: write those of a model, score any.

A prediction is an 8-bit PNG of the network's size; its channels are the probabilities of background, people and hero
times 255, rounded down. That of `0_run1cam1_00005.jpeg` is `0_run1cam1_00005_prediction.png`. Those of each official
set lie in a folder of its name.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Protocol, Union

import cv2
import numpy as np

from config.outputs import require_empty
from dataset.archives import DatasetError
from dataset.images import png_defect
from dataset.pairs import Pair, classes_of
from dataset.schema import DEFAULT_CLASSES
from model.evaluation.results import OFFICIAL_SETS

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter

ENDING = "_prediction"
CONTENT = "the probabilities of background, people and hero times 255, as 8-bit RGB"
MAX_ROUNDING = 8  # of the sum of three
_MODELS = {".h5", ".hdf5", ".keras"}


class PredictionWriter:
    """Writes predictions of frames into a folder.

    Raises ValueError if the folder is not new or empty, or for other classes than three channels stand for.
    """

    def __init__(self, folder: Path, pairs: Sequence[Pair]) -> None:
        if (classes := classes_of(pairs)) != DEFAULT_CLASSES:
            raise ValueError(f"--predictions writes those of {DEFAULT_CLASSES}, but the data have {classes}")
        require_empty(folder, "--predictions")
        self._folder = folder
        self._names_repeat = len({_stem(pair) for pair in pairs}) < len(pairs)

    def write(self, pair: Pair, set_name: str, prediction: np.ndarray, model: str = "") -> None:
        """Write a prediction, (rows, columns, 3) probabilities; one of several models' into a folder of its name."""
        folder = self._folder / model
        if set_name in OFFICIAL_SETS:
            folder /= set_name
        elif self._names_repeat:
            folder /= pair.recording
        folder.mkdir(parents=True, exist_ok=True)
        values = np.clip(prediction * 255, 0, 255).astype(np.uint8)
        data = cv2.imencode(".png", cv2.cvtColor(values, cv2.COLOR_RGB2BGR))[1]
        (folder / f"{_stem(pair)}{ENDING}.png").write_bytes(data.tobytes())


class Writer(Protocol):
    """Writes something about each prediction."""

    def write(self, pair: Pair, set_name: str, prediction: np.ndarray, model: str = "") -> None:
        """Write it, for one of several models into a folder of its name."""


class StoredPredictions:
    """Predictions that lie in a folder; of any size, and with or without "_prediction" in their names."""

    def __init__(self, folder: Path, pairs: Sequence[Pair]) -> None:
        """Find the prediction of each frame. Raises ValueError if one has none or several, OSError."""
        self.name, self._folder, self.classes = folder.name, folder, DEFAULT_CLASSES
        self._files: dict[str, list[Path]] = defaultdict(list)
        for path in sorted(folder.rglob("*.png")):
            self._files[path.stem.removesuffix(ENDING)].append(path)
        if missing := [pair for pair in pairs if len(self._candidates(pair)) != 1]:
            found = ", ".join(map(str, self._candidates(missing[0]))) or f"no {_stem(missing[0])}{ENDING}.png"
            raise ValueError(
                f"expected a prediction for each of {len(pairs)} frames in {folder}, but {len(missing)} have none or"
                f" several; for {missing[0].image} there is {found}"
            )

    def describe(self) -> str:
        """Return one line for display."""
        return f"{self.name}, predictions stored in {self._folder}"

    def read(self, pair: Pair) -> np.ndarray:
        """Return the prediction of a frame, (rows, columns, 3) float32 in 0..1. Raises DatasetError, OSError."""
        (path,) = self._candidates(pair)
        data = path.read_bytes()
        if defect := png_defect(data):
            raise DatasetError(f"{path} {defect}")
        image = np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED))
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
            raise DatasetError(f"{path}: expected {CONTENT}; got {image.dtype} of shape {image.shape}")
        if abs((total := np.median(image.sum(axis=2))) - 255) > MAX_ROUNDING:
            raise DatasetError(f"{path}: expected {CONTENT}, which add up to 255 in a pixel; most add up to {total:g}")
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB) / np.float32(255), np.float32)

    def _candidates(self, pair: Pair) -> list[Path]:
        """Return the files that have the name of a frame, and of these those whose folders are most like its own."""
        files = self._files.get(_stem(pair), [])
        shared = [len(set(path.parts) & set(pair.recording.split("/"))) for path in files]
        return [path for path, count in zip(files, shared, strict=True) if count == max(shared)]


Predictor = Union["Segmenter", StoredPredictions]


def predict(predictor: Predictor, pairs: Sequence[Pair], images: np.ndarray) -> Sequence[np.ndarray]:
    """Return a prediction, (rows, columns, classes), for each frame; the images are (n, height, width, 3) uint8 RGB.

    Raises DatasetError for a stored one that cannot be read.
    """
    if isinstance(predictor, StoredPredictions):
        return [predictor.read(pair) for pair in pairs]
    return list(predictor.predict(images))


def holds_predictions(folder: Path) -> bool:
    """Return whether a path is a folder of predictions: it has PNGs, and no model. Raises OSError."""
    return (
        folder.is_dir() and any(folder.rglob("*.png")) and not any(path.suffix in _MODELS for path in folder.iterdir())
    )


def _stem(pair: Pair) -> str:
    return PurePath(pair.image.name).stem


def file_name(model: str) -> str:
    """Return the name of a model, which may be a path, as a part of a path."""
    return re.sub(r'[<>:"/\\|?*]', "_", model)
