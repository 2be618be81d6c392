"""No code in a model file is ever run."""

import json
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from model.weights import WeightsError, load_model


def lambda_layer(sentinel: Path) -> dict:
    """A Lambda layer as Keras 3 writes it, whose code creates the file `sentinel` when it is called."""
    layer = layers.Lambda(eval(f"lambda x: (open({str(sentinel)!r}, 'w'), x)[1]"), output_shape=(8, 12, 3), name="evil")
    return keras.saving.serialize_keras_object(layer)


MALICIOUS = {
    "lambda": lambda_layer,
    "os.system": lambda sentinel: {
        "class_name": "function",
        "module": "os",
        "config": "system",
        "registered_name": "system",
    },
    "foreign class": lambda sentinel: {
        "class_name": "Popen",
        "module": "subprocess",
        "config": {"args": ["touch", str(sentinel)]},
        "registered_name": None,
    },
    "known name, foreign module": lambda sentinel: {
        "class_name": "Conv2D",
        "module": "evil",
        "config": {"name": "evil", "filters": 3, "kernel_size": 1},
        "registered_name": "evil>Conv2D",
    },
    "saved model": lambda sentinel: {
        "class_name": "TFSMLayer",
        "module": "keras.layers",
        "config": {"name": "evil", "filepath": str(sentinel)},
        "registered_name": None,
    },
}


@pytest.mark.parametrize("place", ["layer", "nested layer", "activation", "initializer"])
@pytest.mark.parametrize("kind", MALICIOUS)
@pytest.mark.parametrize("archive", [True, False])
def test_nothing_in_a_file_is_run(tmp_path, kind, place, archive):
    sentinel = tmp_path / "the code was run"
    image = keras.Input((8, 12, 3))
    model = keras.Model(image, keras.Sequential([layers.Conv2D(3, 1, name="victim")])(image))
    evil = MALICIOUS[kind](sentinel)

    def poison(node):
        if isinstance(node, dict) and isinstance(node.get("config"), dict) and node["config"].get("name") == "victim":
            if place == "activation":
                node["config"]["activation"] = evil
            elif place == "initializer":
                node["config"]["kernel_initializer"] = evil
            else:
                node.update(evil)
        elif isinstance(node, dict) and place == "layer" and node.get("class_name") == "Sequential":
            node.update(evil)
        for inner in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
            poison(inner)

    path = tmp_path / ("model.keras" if archive else "model.h5")
    if archive:
        _rewrite_archive(model, path, poison)
    else:
        model.save(path)
        with h5py.File(path, "r+") as file:
            architecture = json.loads(file.attrs["model_config"])
            poison(architecture)
            file.attrs["model_config"] = json.dumps(architecture)
    with pytest.raises(WeightsError, match=r"Python code|is not among|is not Keras"):
        load_model(path)
    assert not sentinel.exists()


def _rewrite_archive(model: keras.Model, path: Path, change) -> None:
    model.save(path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    architecture = json.loads(members["config.json"])
    change(architecture)
    members["config.json"] = json.dumps(architecture).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_code_in_a_2017_configuration_is_not_run(legacy_files, tmp_path):
    files = legacy_files
    sentinel = tmp_path / "the code was run"
    code = lambda_layer(sentinel)["config"]["function"]
    evil = files.layer("Lambda", "evil", "input_1", function=code, function_type="lambda", output_shape=None)
    inner = files.functional([files.input(), evil], "evil", name="inner")
    inner |= {"name": "inner", "inbound_nodes": [[["input_1", 0, 0, {}]]]}
    path = files.write(files.functional([files.input(), inner], ("inner", 1, 0)), {"a": {"a:0": np.zeros(1)}})
    with pytest.raises(WeightsError, match=r"'evil'.*never run"):
        load_model(path)
    assert not sentinel.exists()


def test_operations_outside_of_layers_are_named(tmp_path):
    image = keras.Input((8, 12, 3))
    keras.Model(image, layers.Conv2D(3, 1, activation="softmax")(image / 127.5 - 1)).save(tmp_path / "own.keras")
    with pytest.raises(WeightsError, match=r"applies \w+ outside of a layer; use layers such as Rescaling or Softmax"):
        load_model(tmp_path / "own.keras")
