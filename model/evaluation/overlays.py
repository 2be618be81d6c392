"""Pictures of single frames with the predicted classes in colour: of labelled frames, and of any film or folder."""

from collections.abc import Sequence
from pathlib import Path, PurePath

import cv2
import numpy as np

from config.outputs import require_empty
from dataset.files import write_atomically
from dataset.images import decode_image
from dataset.pairs import Pair, classes_of
from dataset.schema import Classes, rgb

OPACITY = 0.45  # of the colours


class OverlayWriter:
    """Writes an overlay of each frame into a folder. Raises ValueError if that is not new or empty."""

    def __init__(self, folder: Path, pairs: Sequence[Pair]) -> None:
        require_empty(folder, "--overlays")
        self._folder, self._classes = folder, classes_of(pairs)
        self._names_repeat = len({pair.name for pair in pairs}) < len(pairs)

    def write(self, pair: Pair, set_name: str, prediction: np.ndarray, model: str = "") -> None:
        """Write the overlay of a prediction; one of several models' into a folder of its name."""
        image = decode_image(pair.image.read(), pair.image)
        folder = self._folder / model / (pair.recording if self._names_repeat else "")
        write_overlay(folder / f"{PurePath(pair.image.name).stem}.jpeg", overlay(image, prediction, self._classes))


def overlay(image: np.ndarray, prediction: np.ndarray, classes: Classes) -> np.ndarray:
    """Tint each pixel of (height, width, 3) uint8 RGB by its likeliest class, unless that is the first.

    The prediction, (rows, columns, classes), is scaled to the image.
    """
    scaled = cv2.resize(prediction.astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR)
    labels = scaled.argmax(axis=2)
    colours = np.array([rgb(colour) for colour in classes.colours], np.uint8)
    tinted = cv2.addWeighted(image, 1 - OPACITY, colours[labels], OPACITY, 0)
    return np.where((labels == 0)[..., None], image, tinted)


def write_overlay(path: Path, image: np.ndarray) -> None:
    """Write a JPEG, with folders above it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, cv2.imencode(".jpg", image[..., ::-1])[1].tobytes())
