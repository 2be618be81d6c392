"""Weights of a 2017 file are matched to layers by name and role, and by order where names differ."""

import json
import shutil

import h5py
import numpy as np
import pytest

from model.weights import WeightsError, load_model

pytestmark = pytest.mark.usefixtures("as_stored")
RNG = np.random.default_rng(3)
KERNEL, BIAS = RNG.normal(size=(1, 1, 3, 3)), RNG.normal(size=3)
OTHER_KERNEL, OTHER_BIAS = RNG.normal(size=(1, 1, 3, 3)), RNG.normal(size=3)
BETA, GAMMA, MEAN, VARIANCE = (RNG.uniform(1, 2, size=3) for _ in range(4))


def conv(layer: str, kernel=KERNEL, bias=BIAS) -> dict:
    return {f"{layer}/kernel:0": kernel, f"{layer}/bias:0": bias}


def signed(image: np.ndarray) -> np.ndarray:
    return image / 127.5 - 1


def two_convs(files) -> dict:
    return files.functional([files.input(), files.conv("a", "input_1"), files.conv("b", "a")], "b")


def expected_of_two(image: np.ndarray) -> np.ndarray:
    return (signed(image) @ KERNEL[0, 0] + BIAS) @ OTHER_KERNEL[0, 0] + OTHER_BIAS


def predict(path, image: np.ndarray) -> np.ndarray:
    return np.asarray(load_model(path).model(image))


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("beta", "gamma", "moving_mean", "moving_variance"), "contrib.keras"),
        (("gamma", "beta", "moving_mean", "moving_variance"), "keras"),
    ],
)
def test_batch_normalization_is_matched_by_role(legacy_files, image, names, order):
    files = legacy_files
    values = {"beta": BETA, "gamma": GAMMA, "moving_mean": MEAN, "moving_variance": VARIANCE}
    stored = {f"batch_normalization_26/{name}:0": values[name] for name in names}
    layers = [files.input(), files.layer("BatchNormalization", "batch_normalization_27", "input_1", epsilon=1e-3)]
    path = files.write(files.functional(layers, "batch_normalization_27"), {"batch_normalization_27": stored})
    expected = (signed(image) - MEAN) / np.sqrt(VARIANCE + 1e-3) * GAMMA + BETA
    np.testing.assert_allclose(predict(path, image), expected, atol=1e-4)


def test_keras_1_names(legacy_files, image):
    files = legacy_files
    layers = [
        files.input(),
        files.layer("Convolution2D", "convolution2d_1", "input_1", nb_filter=3, nb_row=1, nb_col=1, border_mode="same"),
        files.layer("BatchNormalization", "batchnormalization_1", "convolution2d_1", epsilon=1e-3, mode=0, axis=-1),
    ]
    weights = {
        "convolution2d_1": {"convolution2d_1_W:0": KERNEL, "convolution2d_1_b:0": BIAS},
        "batchnormalization_1": {
            "batchnormalization_1_gamma:0": GAMMA,
            "batchnormalization_1_beta:0": BETA,
            "batchnormalization_1_running_mean:0": MEAN,
            "batchnormalization_1_running_std:0": VARIANCE,
        },
    }
    architecture = files.functional(layers, "batchnormalization_1", keras_version="1.2.2")
    path = files.write(architecture, weights, attributes={"keras_version": np.bytes_("1.2.2")})
    expected = (signed(image) @ KERNEL[0, 0] + BIAS - MEAN) / np.sqrt(VARIANCE + 1e-3) * GAMMA + BETA
    np.testing.assert_allclose(predict(path, image), expected, atol=1e-4)


@pytest.mark.parametrize("keras_version", ["1.2.2", "2.0.2-tf"])
def test_keras_1_stored_transposed_convolutions_with_swapped_axes(legacy_files, image, keras_version):
    files = legacy_files
    arguments = {"filters": 3, "kernel_size": [1, 1], "padding": "same"}
    layers = [files.input(), files.layer("Conv2DTranspose", "up", "input_1", **arguments)]
    stored = KERNEL if keras_version == "1.2.2" else KERNEL.swapaxes(2, 3)
    architecture = files.functional(layers, "up", keras_version=keras_version)
    path = files.write(architecture, {"up": conv("up", stored)}, attributes={"keras_version": keras_version})
    np.testing.assert_allclose(predict(path, image), signed(image) @ KERNEL[0, 0] + BIAS, atol=1e-4)


@pytest.mark.parametrize("suffix", ["", "_1"])
def test_names_inside_a_group_may_differ_from_the_layers(legacy_files, image, suffix):
    weights = {
        "a": {f"conv2d_24/kernel{suffix}:0": KERNEL, f"conv2d_24/bias{suffix}:0": BIAS},
        "b": conv("model_1/conv2d_25", OTHER_KERNEL, OTHER_BIAS),
    }
    path = legacy_files.write(two_convs(legacy_files), weights)
    np.testing.assert_allclose(predict(path, image), expected_of_two(image), atol=1e-4)


def test_order_in_the_file_does_not_matter_where_names_agree(legacy_files, image):
    weights = {"b": conv("b", OTHER_KERNEL, OTHER_BIAS), "a": conv("a")}
    path = legacy_files.write(two_convs(legacy_files), weights)
    np.testing.assert_allclose(predict(path, image), expected_of_two(image), atol=1e-4)


def test_layers_with_other_names_are_matched_by_order(legacy_files, image):
    weights = {"input_9": {}, "b": conv("b"), "dropout_7": {}, "c": conv("c", OTHER_KERNEL, OTHER_BIAS)}
    path = legacy_files.write(two_convs(legacy_files), weights)
    np.testing.assert_allclose(predict(path, image), expected_of_two(image), atol=1e-4)


def test_files_with_architecture_of_keras_2(legacy_files, image):
    weights = {"a": conv("a"), "b": conv("b", OTHER_KERNEL, OTHER_BIAS)}
    path = legacy_files.write(None, weights, name="model.h5", root="model_weights")
    with h5py.File(path, "r+") as file:
        file.attrs["model_config"] = np.bytes_(json.dumps(two_convs(legacy_files)))
        file.attrs["keras_version"] = np.bytes_("2.0.8")
        file.create_group("optimizer_weights").create_dataset("iterations:0", data=7)
    loaded = load_model(path)
    assert (loaded.is_legacy, loaded.input_size) == (True, (6, 8))
    np.testing.assert_allclose(loaded.model(image), expected_of_two(image), atol=1e-4)


def test_split_attributes_text_attributes_and_other_number_types(legacy_files, image):
    weights = {
        "a": conv("a", KERNEL.astype(np.float64), BIAS.astype(np.float64)),
        "b": conv("b", OTHER_KERNEL.astype(np.float16), OTHER_BIAS.astype(np.float32)),
    }
    path = legacy_files.write(two_convs(legacy_files), weights)
    with h5py.File(path, "r+") as file:
        del file.attrs["layer_names"]
        file.attrs["layer_names0"] = ["a"]
        file.attrs["layer_names1"] = ["b"]
        del file["a"].attrs["weight_names"]
        file["a"].attrs["weight_names0"] = np.array([b"a/kernel:0"])
        file["a"].attrs["weight_names1"] = np.array([b"a/bias:0"])
    np.testing.assert_allclose(predict(path, image), expected_of_two(image), atol=0.02)


def test_without_lists_of_names_all_groups_are_read(legacy_files, image):
    weights = {"b": conv("b", OTHER_KERNEL, OTHER_BIAS), "a": conv("a")}
    path = legacy_files.write(two_convs(legacy_files), weights)
    with h5py.File(path, "r+") as file:
        for item in (file, file["a"], file["b"]):
            for name in list(item.attrs):
                del item.attrs[name]
    np.testing.assert_allclose(predict(path, image), expected_of_two(image), atol=1e-4)


def nested(files, *inside: dict) -> dict:
    inner = files.functional([files.input("inside"), *inside], inside[-1]["name"], name="inner")
    inner |= {"name": "inner", "inbound_nodes": [[["input_1", 0, 0, {}]]]}
    return files.functional([files.input(), inner], ("inner", 1, 0))


@pytest.mark.parametrize("prefixes", [("first", "second"), ("conv2d_3", "conv2d_4"), ("inner/first", "inner/second")])
def test_a_nested_model_is_one_group(legacy_files, image, prefixes):
    group = conv(prefixes[0]) | conv(prefixes[1], OTHER_KERNEL, OTHER_BIAS)
    layers = [legacy_files.conv("first", "inside"), legacy_files.conv("second", "first")]
    path = legacy_files.write(nested(legacy_files, *layers), {"inner": group})
    np.testing.assert_allclose(predict(path, image), expected_of_two(image), atol=1e-4)


def test_frozen_layers_of_a_nested_model_come_last_in_its_group(legacy_files, image):
    files = legacy_files
    layers = [files.conv("first", "inside", filters=4), files.conv("second", "first")]
    layers[0]["config"]["trainable"] = False
    wide, narrow = RNG.normal(size=(1, 1, 3, 4)), RNG.normal(size=(1, 1, 4, 3))
    group = conv("conv2d_8", narrow, np.zeros(3)) | conv("conv2d_7", wide, np.zeros(4))
    path = files.write(nested(files, *layers), {"inner": group})
    np.testing.assert_allclose(predict(path, image), signed(image) @ wide[0, 0] @ narrow[0, 0], atol=1e-4)


@pytest.mark.parametrize(
    ("weights", "reason"),
    [
        ({}, "no weights"),
        ({"a": conv("a")}, "2 layers with weights, the file 1; not in the file: b"),
        ({"a": conv("a"), "b": conv("b"), "c": conv("c")}, "not in the architecture: c"),
        (
            {"a": conv("a"), "b": conv("b", RNG.normal(size=(3, 3, 3, 3)))},
            r"'b' needs a kernel of shape \(1, 1, 3, 3\)",
        ),
        ({"a": conv("a"), "b": {"b/kernel:0": KERNEL}}, "'b' needs kernel, bias, but the file holds kernel"),
        ({"a": conv("a"), "b": conv("b", np.full((1, 1, 3, 3), np.nan))}, "'b' holds NaN"),
        ({"a": conv("a"), "b": conv("b", np.full((1, 1, 3, 3), b"x"))}, "not as numbers"),
        ({"a": conv("a"), "b": conv("b", h5py.Empty("f4"))}, "'b/kernel:0' of the layer 'b' is listed but not in"),
    ],
)
def test_mismatches_are_reported(legacy_files, weights, reason):
    path = legacy_files.write(two_convs(legacy_files), weights)
    with pytest.raises(WeightsError, match=reason):
        load_model(path)


def test_an_ambiguous_batch_normalization_is_refused(legacy_files):
    files = legacy_files
    layers = [files.input(), files.layer("BatchNormalization", "bn", "input_1")]
    stored = {f"bn/param_{i}:0": value for i, value in enumerate((BETA, GAMMA, MEAN, VARIANCE))}
    path = files.write(files.functional(layers, "bn"), {"bn": stored})
    with pytest.raises(WeightsError, match="'bn' needs"):
        load_model(path)


def test_convolutions_of_theano_are_refused(legacy_files):
    path = legacy_files.write(two_convs(legacy_files), {"a": conv("a")}, attributes={"backend": "theano"})
    with pytest.raises(WeightsError, match="Theano"):
        load_model(path)


def _external_link(file: h5py.File, name: str) -> None:
    file[name] = h5py.ExternalLink("secret.h5", name)


def _external_storage(file: h5py.File, name: str) -> None:
    file.create_dataset(name, (1, 1, 3, 3), "f4", external=[("secret.bin", 0, 36)])


def _virtual(file: h5py.File, name: str) -> None:
    layout = h5py.VirtualLayout((1, 1, 3, 3), "f4")
    layout[...] = h5py.VirtualSource("secret.h5", name, (1, 1, 3, 3))
    file.create_virtual_dataset(name, layout)


@pytest.mark.parametrize("borrow", [_external_link, _external_storage, _virtual])
def test_weights_in_other_files_are_not_read(legacy_files, tmp_path, monkeypatch, borrow):
    monkeypatch.chdir(tmp_path)
    weights = {"a": conv("a"), "b": conv("b", OTHER_KERNEL, OTHER_BIAS)}
    path = legacy_files.write(two_convs(legacy_files), weights)
    shutil.copy(path, tmp_path / "secret.h5")
    (tmp_path / "secret.bin").write_bytes(bytes(36))
    with h5py.File(path, "r+") as file:
        del file["b/b/kernel:0"]
        borrow(file, "b/b/kernel:0")
    with pytest.raises(WeightsError, match="another file"):
        load_model(path)
