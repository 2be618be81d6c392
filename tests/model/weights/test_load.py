"""Models of all kinds load; every file that cannot be used is a WeightsError of one sentence."""

import json
import os
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from keras import layers

from model.weights import WeightsError, load_model, save_model
from tests.model.weights.small_network import small_network


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    return save_model(small_network(), tmp_path_factory.mktemp("own") / "mine.h5")


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(5).uniform(0, 255, (2, 8, 12, 3)).astype(np.float32)


def test_keras_archives_load_too(tmp_path, photo):
    small_network().save(tmp_path / "mine.keras")
    loaded = load_model(tmp_path / "mine.keras")
    assert (loaded.is_legacy, loaded.input_size) == (False, (8, 12))
    np.testing.assert_allclose(loaded.model(photo), small_network()(photo), atol=1e-6)


@pytest.mark.parametrize("name", ["mine.keras", "mine.h5"])
def test_a_network_that_was_compiled_and_trained_loads(tmp_path, photo, name):
    """As most are: the file has the optimizer and the loss, also of networks inside the network."""
    inner = small_network()
    inner.compile("sgd", "mse")
    image = keras.Input((8, 12, 3))
    network = keras.Model(image, inner(image))
    network.compile(keras.optimizers.Adam(1e-4), "categorical_crossentropy", metrics=["accuracy"])
    network.fit(photo, np.full((2, 8, 12, 3), 1 / 3), verbose=0)
    network.save(tmp_path / name)
    np.testing.assert_allclose(load_model(tmp_path / name).model(photo), network(photo), atol=1e-5)


def test_an_archive_of_keras_2_is_told(tmp_path):
    parts = {"class_name": "Functional", "module": "keras.src.engine.functional", "config": {}, "registered_name": None}
    with zipfile.ZipFile(tmp_path / "old.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(parts))
        archive.writestr("model.weights.h5", b"")
    with pytest.raises(WeightsError, match=r'Keras 2 has saved it .*: model.save\("mine.h5"\)'):
        load_model(tmp_path / "old.keras")


def test_a_network_trained_in_half_precision_computes_in_full(tmp_path, photo):
    model = load_model(save_model(small_network("mixed_float16"), tmp_path / "half.h5")).model
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    np.testing.assert_allclose(model(photo), small_network()(photo), atol=1e-6)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16", "float16", "bfloat16"])
def test_the_precision_may_be_text_as_in_the_first_keras_3(tmp_path, photo, precision):
    path = save_model(small_network("mixed_float16"), tmp_path / "half.h5")

    def name_precisions(value):
        if isinstance(value, list):
            return [name_precisions(inner) for inner in value]
        if not isinstance(value, dict):
            return value
        if value.get("class_name") == "DTypePolicy":
            return precision if value["config"]["name"] == "mixed_float16" else value["config"]["name"]
        return {key: name_precisions(inner) for key, inner in value.items()}

    with h5py.File(path, "r+") as file:
        architecture = name_precisions(json.loads(file.attrs["model_config"]))
        assert f'"dtype": "{precision}"' in json.dumps(architecture)
        file.attrs["model_config"] = json.dumps(architecture)
    model = load_model(path).model
    assert {layer.compute_dtype for layer in model.layers} == {"float32"}
    np.testing.assert_allclose(model(photo), small_network()(photo), atol=1e-6)


def test_models_that_do_not_segment_into_three_classes_are_refused(tmp_path):
    image = keras.Input((8, 12, 3))
    path = save_model(keras.Model(image, layers.Conv2D(4, 1)(image)), tmp_path / "four.h5")
    with pytest.raises(WeightsError, match=r"returns \(None, 8, 12, 4\)"):
        load_model(path)


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


@pytest.mark.parametrize("with_json", [True, False])
def test_weights_of_keras_alone_are_one_sentence(tmp_path, with_json):
    network, path = small_network(), tmp_path / "m.weights.h5"
    network.save_weights(path)
    if with_json:
        (tmp_path / "m.weights.json").write_text(network.to_json())
    with pytest.raises(WeightsError, match=r"holds weights of Keras without .*: model.save\(\"model.h5\"\)"):
        load_model(path)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a file that its owner may not read")
def test_unreadable_files(saved, tmp_path):
    path = tmp_path / "locked.h5"
    path.write_bytes(saved.read_bytes())
    path.chmod(0)
    with pytest.raises(WeightsError, match="Permission denied"):
        load_model(path)


@pytest.mark.slow
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fraction=st.floats(0, 1, exclude_max=True), archive=st.booleans())
def test_a_file_cut_short_anywhere_is_a_weights_error(saved, tmp_path, fraction, archive):
    whole = tmp_path / "whole.keras"
    if archive and not whole.exists():
        small_network().save(whole)
    content = (whole if archive else saved).read_bytes()
    path = tmp_path / "cut.h5"
    path.write_bytes(content[: int(len(content) * fraction)])
    with pytest.raises(WeightsError):
        load_model(path)
