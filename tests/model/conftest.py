"""Small models in the file formats of 2017, for the tests of this folder."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from dataset.schema import DEFAULT_CLASSES, Classes

ROWS, COLS = 6, 8


class LegacyFiles:
    """Writer of Keras 2 configurations and weights, in the form of contrib.keras and Keras."""

    def __init__(self, folder: Path):
        self.folder = folder

    def input(self, name: str = "input_1", shape: Sequence[int | None] = (None, ROWS, COLS, 3)) -> dict:
        config = {"batch_input_shape": list(shape), "dtype": "float32", "sparse": False, "name": name}
        return {"name": name, "class_name": "InputLayer", "config": config, "inbound_nodes": []}

    def layer(self, class_name: str, name: str, *inbound: str | tuple, **config: Any) -> dict:
        """Return a layer that is used once, on the outputs of `inbound`: names, or (name, node, tensor)."""
        triples = [[source, 0, 0, {}] if isinstance(source, str) else [*source, {}] for source in inbound]
        return {
            "name": name,
            "class_name": class_name,
            "config": {"name": name, "trainable": True, **config},
            "inbound_nodes": [triples],
        }

    def conv(self, name: str, inbound: str, filters: int = 3, **config: Any) -> dict:
        arguments = {"filters": filters, "kernel_size": [1, 1], "padding": "same", "activation": "linear"} | config
        return self.layer("Conv2D", name, inbound, **arguments)

    def functional(self, layers: Sequence[dict], output: str | tuple, name: str = "model_1", **extra: Any) -> dict:
        source = [output, 0, 0] if isinstance(output, str) else list(output)
        first = [layers[0]["name"], 0, 0]
        config = {"name": name, "layers": list(layers), "input_layers": [first], "output_layers": [source]}
        return {"class_name": "Model", "config": config, "keras_version": "2.0.2-tf", "backend": "tensorflow"} | extra

    def write(
        self,
        architecture: Any,
        weights: Mapping[str, Mapping[str, np.ndarray]],
        name: str = "model_weights",
        config_name: str | None = None,
        root: str = "/",
        attributes: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write a pair of files and return the path of the weights; without `architecture` no configuration."""
        path = self.folder / name
        if architecture is not None:
            text = json.dumps(json.dumps(architecture))
            (self.folder / (config_name or f"config_{name}")).write_text(text, encoding="utf-8")
        with h5py.File(path, "w") as file:
            group = file.require_group(root)
            group.attrs["keras_version"] = np.bytes_("2.0.2-tf")
            group.attrs["backend"] = np.bytes_("tensorflow")
            group.attrs["layer_names"] = np.array(list(weights), dtype="S")
            for key, value in (attributes or {}).items():
                group.attrs[key] = value
            for layer, arrays in weights.items():
                inner = group.create_group(layer)
                inner.attrs["weight_names"] = np.array(list(arrays), dtype="S")
                for weight, array in arrays.items():
                    inner.create_dataset(weight, data=array)
        return path


@pytest.fixture
def legacy_files(tmp_path: Path) -> LegacyFiles:
    return LegacyFiles(tmp_path)


@pytest.fixture
def as_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    """Load models of 2017 without layers that make class probabilities of what they give."""
    from model.weights.foreign import AdaptedNetwork  # not above: it takes seconds to import Keras

    monkeypatch.setattr("model.weights.foreign.adapt", lambda network, usual: AdaptedNetwork(network, "", False, True))


@pytest.fixture
def image() -> np.ndarray:
    """Return (2, ROWS, COLS, 3) float32 in 0..255, the input of rebuilt models."""
    return np.random.default_rng(0).uniform(0, 255, (2, ROWS, COLS, 3)).astype(np.float32)


@pytest.fixture(scope="session")
def red_finder(tmp_path_factory) -> Path:
    """The file of a network that takes what is clearly red for the hero, and all else for background."""
    return _save_red_finder(tmp_path_factory.mktemp("models") / "red.h5", DEFAULT_CLASSES)


@pytest.fixture(scope="session")
def red_car_finder(tmp_path_factory) -> Path:
    """The file of a network of two classes of its own: what is clearly red is a car, its target, and all else road."""
    classes = Classes(("car", "road"), target=0, colours=(0xFF0000, 0x00FF00))
    return _save_red_finder(tmp_path_factory.mktemp("models") / "cars.h5", classes)


def _save_red_finder(path: Path, classes: Classes) -> Path:
    import keras  # takes seconds, and most tests need no network

    from model.weights import save_model

    image = keras.Input((256, 256, 3))
    convolution = keras.layers.Conv2D(len(classes), 1, name="convolution")
    network = keras.Model(image, keras.layers.Softmax(name="probabilities")(convolution(image)))
    kernel, bias = np.zeros((1, 1, 3, len(classes)), np.float32), np.full(len(classes), -100, np.float32)
    kernel[0, 0, :, classes.target], bias[classes.target] = (1, -0.5, -0.5), -60
    bias[1 if classes.target == 0 else 0] = 0  # the class of all else
    convolution.set_weights([kernel, bias])
    return save_model(network, path, classes=classes)
