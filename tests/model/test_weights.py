"""Finding, loading and saving models; and that nothing unusable or malicious in a file gets further than a sentence."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from config.version import VERSION
from model.weights import WeightsError, find, find_weights, load_model, save_model

ROOT = Path(__file__).resolve().parents[2]


def network(precision: str | None = None) -> keras.Model:
    """A small network of the kind this project trains, with random weights everywhere."""
    image = keras.Input((8, 12, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    block = keras.Sequential([layers.Conv2D(4, 3, padding="same", use_bias=False), layers.BatchNormalization()])
    skip = x = layers.Activation("relu", dtype=precision)(block(x))
    x = layers.SeparableConv2D(4, 3, strides=2, padding="same", dtype=precision)(x)
    x = layers.SpatialDropout2D(0.2)(layers.UpSampling2D(2, interpolation="bilinear")(x))
    x = layers.Add()([x, skip])
    model = keras.Model(image, layers.Conv2D(3, 1, activation="softmax", dtype=precision)(x))
    rng = np.random.default_rng(4)
    model.set_weights([rng.uniform(0.1, 1, size=w.shape) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return save_model(network(), tmp_path_factory.mktemp("own") / "mine.h5", {"score": 0.5, "classes": ["a", "b"]})


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(5).uniform(0, 255, (2, 8, 12, 3)).astype(np.float32)


# --- our own files


def test_a_saved_model_comes_back_as_it_was(saved, photo):
    loaded = load_model(saved)
    assert (loaded.name, loaded.input_size, loaded.is_legacy) == ("mine.h5", (8, 12), False)
    assert loaded.metadata == {"score": 0.5, "classes": ["a", "b"], "version": VERSION}
    np.testing.assert_allclose(loaded.model(photo), network()(photo), atol=1e-6)


def test_metadata_may_be_long(tmp_path):
    history = {"history": list(range(50_000))}
    assert load_model(save_model(network(), tmp_path / "m.h5", history)).metadata["history"] == history["history"]


def test_keras_archives_load_too(tmp_path, photo):
    network().save(tmp_path / "mine.keras")
    loaded = load_model(tmp_path / "mine.keras")
    assert (loaded.is_legacy, loaded.input_size) == (False, (8, 12))
    np.testing.assert_allclose(loaded.model(photo), network()(photo), atol=1e-6)


def test_a_network_trained_in_half_precision_computes_in_full(tmp_path, photo):
    model = load_model(save_model(network("mixed_float16"), tmp_path / "half.h5")).model
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    np.testing.assert_allclose(model(photo), network()(photo), atol=1e-6)


def test_a_model_of_2017_can_be_saved_as_one_of_ours(legacy_files, tmp_path, image):
    files = legacy_files
    up = files.layer("BilinearUpSampling2D", "up", "a", size=[2, 2])
    down = files.layer("MaxPooling2D", "down", "up", pool_size=[2, 2])
    architecture = files.functional([files.input(), files.conv("a", "input_1", activation="relu"), up, down], "down")
    kernel, bias = np.random.default_rng(6).normal(size=(1, 1, 3, 3)), np.ones(3)
    legacy = load_model(files.write(architecture, {"a": {"a/kernel:0": kernel, "a/bias:0": bias}})).model
    own = load_model(save_model(legacy, tmp_path / "ours.h5"))
    assert not own.is_legacy
    np.testing.assert_allclose(own.model(image), legacy(image), atol=1e-6)


def test_a_failed_save_leaves_the_old_file_and_no_other(tmp_path):
    path = save_model(network(), tmp_path / "m.h5", {"epoch": 1})
    image = keras.Input((8, 12, 3))
    with pytest.raises(WeightsError, match="Lambda"):
        save_model(keras.Model(image, layers.Lambda(lambda x: x)(image)), path)
    with pytest.raises(WeightsError, match="JSON"):
        save_model(network(), path, {"not JSON": object()})
    assert load_model(path).metadata["epoch"] == 1
    assert [item.name for item in tmp_path.iterdir()] == ["m.h5"]


def test_only_h5_is_written(tmp_path):
    with pytest.raises(WeightsError, match=r"\.h5"):
        save_model(network(), tmp_path / "m.keras")


def test_models_that_do_not_segment_into_three_classes_are_refused(tmp_path):
    image = keras.Input((8, 12, 3))
    path = save_model(keras.Model(image, layers.Conv2D(4, 1)(image)), tmp_path / "four.h5")
    with pytest.raises(WeightsError, match=r"returns \(None, 8, 12, 4\)"):
        load_model(path)


# --- finding


def test_weights_are_found_as_given_or_in_the_projects_folder(tmp_path, monkeypatch):
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    (shelf / "model_weights.h5").write_bytes(b"shelf")
    monkeypatch.setattr(find, "WEIGHTS_FOLDER", shelf)
    monkeypatch.chdir(tmp_path)
    assert find_weights("model_weights.h5") == find_weights("model_weights") == shelf / "model_weights.h5"
    (tmp_path / "model_weights").write_bytes(b"here")
    assert find_weights("model_weights").read_bytes() == b"here"
    assert find_weights(shelf / "model_weights") == shelf / "model_weights.h5"
    with pytest.raises(WeightsError, match=r"did you mean model_weights\.h5"):
        find_weights("modle_weights.h5")
    with pytest.raises(WeightsError, match="is a folder"):
        find_weights("shelf")
    with pytest.raises(WeightsError, match="is a folder"):
        find_weights(".")


def test_a_tensorflow_checkpoint_is_recognised(tmp_path):
    (tmp_path / "model_weights.index").write_bytes(b"")
    with pytest.raises(WeightsError, match="TensorFlow checkpoint"):
        find_weights(tmp_path / "model_weights")


@pytest.mark.parametrize("name", ["", "x" * 5000, "a\0b"], ids=["none", "long", "null byte"])
def test_names_that_no_file_can_have(name):
    with pytest.raises(WeightsError):
        find_weights(name)


def test_a_missing_file_is_reported_without_waiting_for_tensorflow():
    code = "import sys; from model.weights import *\ntry: load_model('nothing')\nexcept WeightsError: pass\n"
    code += "sys.exit('keras' in sys.modules or 'tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("name", "config_name"),
    [
        ("model_weights", "config_model_weights"),
        ("model_weights.h5", "config_model_weights.h5"),
        ("model_weights.h5", "config_model_weights"),
        ("model_weights.h5", "config_model_weights.json"),
        ("model_weights", "config_model_weights.h5"),
        ("weights.0.25", "config_weights.0.25"),
        ("model_weights.h5", "model_weights.json"),
        ("last_model_weights", "config_model_weights"),  # the only one there
    ],
)
def test_the_configuration_is_found_beside_the_weights(legacy_files, name, config_name):
    files = legacy_files
    architecture = files.functional([files.input(), files.conv("a", "input_1")], "a")
    stored = {"a": {"a/kernel:0": np.zeros((1, 1, 3, 3)), "a/bias:0": np.zeros(3)}}
    assert load_model(files.write(architecture, stored, name=name, config_name=config_name)).name == name


def test_missing_and_broken_configurations(legacy_files, tmp_path):
    path = legacy_files.write(None, {"a": {"a/kernel:0": np.zeros(1)}})
    with pytest.raises(WeightsError, match="config_model_weights is not beside it"):
        load_model(path)
    (tmp_path / "config_model_weights").write_text('"{\\"class_name\\": \\"Mod')
    with pytest.raises(WeightsError, match="not JSON"):
        load_model(path)


# --- files that are no models


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is not a Keras model"),
        (b'"{\\"class_name\\": \\"Model\\"}"', "configuration"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
        (b"PK\x03\x04 and then nothing", "truncated"),
        (b"\x89HDF\r\n\x1a\n" + bytes(500), "damaged"),
    ],
)
def test_foreign_files_are_one_sentence(tmp_path, content, reason):
    path = tmp_path / "model.h5"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as error:
        load_model(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_archives_and_hdf5_files_of_other_programs(tmp_path):
    with h5py.File(tmp_path / "data.h5", "w") as file:
        file["temperature"] = np.zeros(5)
    with pytest.raises(WeightsError, match="config_data"):
        load_model(tmp_path / "data.h5")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("photo.jpeg", b"...")
    with pytest.raises(WeightsError, match="not a Keras model"):
        load_model(tmp_path / "photos.zip")


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that its owner may not read")
def test_unreadable_files(saved, tmp_path):
    path = tmp_path / "locked.h5"
    path.write_bytes(saved.read_bytes())
    path.chmod(0)
    with pytest.raises(WeightsError, match="Permission denied"):
        load_model(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fraction=st.floats(0, 1, exclude_max=True), archive=st.booleans())
def test_a_file_cut_short_anywhere_is_a_weights_error(saved, tmp_path, fraction, archive):
    whole = tmp_path / "whole.keras"
    if archive and not whole.exists():
        network().save(whole)
    content = (whole if archive else saved).read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(WeightsError):
        load_model(path)


# --- files that want to run code


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
