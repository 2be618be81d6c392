"""Files of 2017 in all their forms: text, names, neighbours, and other things in their place."""

import codecs
import json
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from model.inference.segmenter import Segmenter
from model.weights import WeightsError, find, find_weights, load_model

pytestmark = pytest.mark.usefixtures("as_stored")
RNG = np.random.default_rng(7)
KERNEL, BIAS = RNG.normal(size=(1, 1, 3, 3)).astype(np.float32), RNG.normal(size=3).astype(np.float32)
STORED = {"a": {"a/kernel:0": KERNEL, "a/bias:0": BIAS}}
CONFIG = "config_model_weights"


def one_conv(files, **config) -> dict:
    return files.functional([files.input(), files.conv("a", "input_1", **config)], "a")


def expected(image: np.ndarray) -> np.ndarray:
    return (image / 127.5 - 1) @ KERNEL[0, 0] + BIAS


def rewrite(path: Path, change) -> Path:
    """Change the bytes of the configuration beside `path`."""
    config = path.with_name(CONFIG)
    config.write_bytes(change(config.read_bytes()))
    return path


@pytest.mark.parametrize(
    "change",
    [
        json.loads,  # JSON inside no string
        lambda text: json.dumps(text.decode()),  # JSON inside two strings
        lambda text: codecs.BOM_UTF8.decode() + text.decode(),
        lambda text: json.dumps(json.loads(json.loads(text)), indent=2).replace("\n", "\r\n") + "\r\n",
        lambda text: text.decode().encode("utf-16"),
    ],
    ids=["plain", "quoted twice", "byte order mark", "Windows line ends", "UTF-16"],
)
def test_a_configuration_in_any_form_of_json(legacy_files, image, change):
    path = legacy_files.write(one_conv(legacy_files), STORED)
    rewrite(path, lambda text: c if isinstance(c := change(text), bytes) else c.encode())
    np.testing.assert_allclose(load_model(path).model(image), expected(image), atol=1e-5)


def test_whole_numbers_may_be_written_as_floats(legacy_files):
    """Notebooks halved filters with `/`, and TensorFlow 1 accepted the resulting 32.0."""
    files = legacy_files
    separable = {"filters": 4.0, "kernel_size": [3.0, 3.0], "strides": [2.0, 2.0], "padding": "same"}
    layers = [
        files.input(shape=(None, 6.0, 8.0, 3)),
        files.layer("SeparableConv2DKeras", "s", "input_1", **separable),
        files.layer("LeakyReLU", "slope", "s", alpha=1.0),
        files.layer("BilinearUpSampling2D", "up", "slope", size=[2.0, 2.0]),
        files.conv("a", "up", filters=3.0),
    ]
    shapes = {"s/depthwise_kernel:0": (3, 3, 3, 1), "s/pointwise_kernel:0": (1, 1, 3, 4), "s/bias:0": 4}
    stored = {"s": {name: np.zeros(shape) for name, shape in shapes.items()}}
    stored["a"] = {"a/kernel:0": np.zeros((1, 1, 4, 3)), "a/bias:0": BIAS}
    loaded = load_model(files.write(files.functional(layers, "a"), stored))
    assert loaded.input_size == (6, 8)
    np.testing.assert_allclose(loaded.model(np.zeros((1, 6, 8, 3)))[0, 0, 0], BIAS)


@pytest.mark.parametrize("known", [True, False])
def test_files_without_the_version_of_keras(legacy_files, image, known):
    """Names of arguments reveal Keras 2, whose transposed convolutions have swapped kernel axes."""
    files = legacy_files
    architecture = one_conv(files, strides=[1, 1])
    architecture["config"]["layers"][1]["class_name"] = "Conv2DTranspose"
    path = files.write(architecture, {"a": {"a/kernel:0": KERNEL.swapaxes(2, 3), "a/bias:0": BIAS}})
    if not known:
        del architecture["keras_version"], architecture["backend"]
        rewrite(path, lambda _: json.dumps(architecture).encode())
        with h5py.File(path, "r+") as file:
            del file.attrs["keras_version"], file.attrs["backend"]
    np.testing.assert_allclose(load_model(path).model(image), expected(image), atol=1e-5)


@pytest.mark.parametrize(("version", "second"), [("2.1.6-tf", 0.0), ("2.2.4-tf", 0.5)])
def test_a_file_with_architecture_has_the_version_in_an_attribute(legacy_files, version, second):
    files = legacy_files
    up = files.layer("UpSampling2D", "up", "input_1", size=[2, 2], interpolation="bilinear")
    path = files.write(
        None, {"a": {"a/kernel:0": np.eye(3)[None, None], "a/bias:0": np.zeros(3)}}, root="model_weights"
    )
    architecture = files.functional([files.input(), up, files.conv("a", "up")], "a")
    del architecture["keras_version"], architecture["backend"]
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = np.bytes_(json.dumps(architecture))
        file.attrs["keras_version"] = np.bytes_(version)
    image = np.zeros((1, 6, 8, 3), np.float32)
    image[0, 0, 0] = 255.0
    assert float(load_model(path).model(image)[0, 0, 1, 0]) == pytest.approx(second, abs=1e-6)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS"),
        (b"\n<!DOCTYPE html>\n<html lang=en>", "web page"),
        (b"\xff\xfe\x00", "not JSON"),
        (b"class_name: Model\nconfig:\n  name: model_1\n", "not JSON"),
    ],
    ids=["nothing", "pointer", "web page", "broken text", "YAML"],
)
def test_other_content_in_place_of_the_configuration(legacy_files, content, reason):
    path = rewrite(legacy_files.write(one_conv(legacy_files), STORED), lambda _: content)
    with pytest.raises(WeightsError, match=f"{CONFIG}.*{reason}") as error:
        load_model(path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!DOCTYPE html>\n<html>", "web page"),
        (codecs.BOM_UTF8 + b'"{}"', "text file, perhaps a model's configuration"),
        (b"\x89HDF\n\x1a\n" + bytes(500), "transferred as text"),
    ],
    ids=["web page", "configuration", "converted line ends"],
)
def test_other_content_in_place_of_the_weights(tmp_path, content, reason):
    (tmp_path / "model_weights.h5").write_bytes(content)
    with pytest.raises(WeightsError, match=reason):
        load_model(tmp_path / "model_weights.h5")


def test_several_configurations_of_other_names_are_listed(legacy_files):
    path = legacy_files.write(one_conv(legacy_files), STORED, name="weights.07.h5", config_name="config_model_a")
    path.with_name("config_model_b").write_text("{}")
    with pytest.raises(WeightsError, match=r"config_weights\.07\.h5 is not beside it.*config_model_a, config_model_b"):
        load_model(path)


def test_suffixes_may_be_missing_or_superfluous(tmp_path, monkeypatch):
    shelf, here = tmp_path / "shelf", tmp_path / "here ü"
    for folder in (shelf, here):
        folder.mkdir()
    monkeypatch.setattr(find, "WEIGHTS_FOLDER", shelf)
    monkeypatch.chdir(here)
    (shelf / "model_weights.h5").touch()
    assert find_weights("model_weights") == shelf / "model_weights.h5"
    (here / "model_weights").touch()  # nearer than the one of the project
    for name in (
        "model_weights",
        "model_weights.h5",
        here / "model_weights.h5",
        os.path.join("..", here.name, "model_weights"),
    ):
        assert find_weights(name).resolve() == here / "model_weights"


@pytest.mark.parametrize("name", ["_best", "-1.h5", "ünï codé.h5", "01-weights-val_loss(0.1064).h5", "модель", ".h5"])
def test_all_names_that_a_file_can_have(legacy_files, image, name):
    path = legacy_files.write(one_conv(legacy_files), STORED, name=name)
    segmenter = Segmenter(path, runtime="tensorflow")
    assert segmenter.name == name
    frames = image.astype(np.uint8)
    np.testing.assert_allclose(segmenter.predict(frames), expected(frames.astype(np.float32)), atol=1e-4)


def test_an_activation_of_our_own_survives_graph_rewrites(legacy_files, image):
    """Graph rewrites rebuild layers from their configurations."""
    files = legacy_files
    conv = files.conv("a", "up", activation="hard_sigmoid")
    layers = [files.input(), files.layer("UpSampling2D", "up", "input_1", size=[2, 2]), conv]
    path = files.write(files.functional(layers, "a"), STORED)
    frames = image.astype(np.uint8)
    logits = expected(frames.astype(np.float32)).repeat(2, axis=1).repeat(2, axis=2)
    np.testing.assert_allclose(Segmenter(path).predict(frames), np.clip(0.2 * logits + 0.5, 0, 1), atol=0.01)
