"""From camera frames to class probabilities: weights, runtime and resizing in one object."""

from pathlib import Path

import numpy as np

from dataset.images import resize_bilinear
from dataset.schema import DEFAULT_CLASSES
from model.inference.choices import Device, Precision, Runtime
from model.inference.runtime_failures import cause, failures
from model.inference.runtimes import compile_network
from model.inference.sanity_inputs import sanity_frames
from model.networks import multiply_accumulates
from model.weights import LoadedModel, load_model


class Segmenter:
    """A network that is loaded, compiled and warmed up."""

    def __init__(
        self,
        weights: str | Path | LoadedModel,
        runtime: Runtime = "auto",
        device: Device = "auto",
        threads: int | None = None,
        precision: Precision = "fastest",
    ):
        """Load and compile, as `load_model` and `compile_network` do; takes a few seconds.

        Raises WeightsError for a file that cannot be used, RuntimeUnavailable for a runtime that is missing here.
        """
        loaded = weights if isinstance(weights, LoadedModel) else load_model(weights)
        self.name, self.input_size = loaded.name, loaded.input_size  # (rows, columns)
        self.classes = loaded.classes
        self._convention = loaded.convention
        self._giga_macs = multiply_accumulates(loaded.model) / 1e9
        compiled = compile_network(loaded.model, runtime, device, threads, precision, loaded.classes.target)
        self.runtime, self.device, self._predict = compiled.runtime, compiled.device, compiled.predict
        self._predict(sanity_frames(self.input_size)[:1])

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return (n, rows, columns, classes) float32 probabilities, at the network's size, of (n, h, w, 3) uint8 RGB.

        Images of another size than the network's are resized as in the original project, bilinearly with antialiasing.
        Thread-safe; other threads run meanwhile. Raises ValueError for arrays of another shape or type, RuntimeError
        if the device fails or lacks memory.
        """
        images = np.asarray(images)
        if images.ndim != 4 or images.shape[3] != 3 or images.dtype != np.uint8:
            raise ValueError(f"expected (n, height, width, 3) uint8 images, got {images.shape} {images.dtype}")
        if not len(images):
            return np.empty((0, *self.input_size, len(self.classes)), np.float32)
        if images.shape[1:3] != self.input_size:
            images = np.stack([resize_bilinear(image, self.input_size) for image in images])
        try:
            return self._predict(images)
        except failures() as error:  # TensorFlow's have many lines
            raise RuntimeError(f"{self.name} failed on {self.device}: {cause(error)}") from error

    def describe(self) -> str:
        """Return one line for display: weights, input size, cost, runtime, device, and what is unusual."""
        rows, columns = self.input_size
        text = f"{self.name}, {columns}x{rows}, {self._giga_macs:.2f} GMAC, {self.runtime} on {self.device}"
        told = [self._convention] if self._convention else []
        told += [] if self.classes == DEFAULT_CLASSES else [f"tells apart {self.classes}"]
        return "; ".join([text, *told])
