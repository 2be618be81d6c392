"""Graphs of 2017 configurations: functional, Sequential, nested, shared layers; and what is refused."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.legacy.architecture import read_architecture
from model.legacy.arguments import LegacyError
from model.legacy.graph import build_model

RNG = np.random.default_rng(2)


def build(architecture: dict):
    """Return the rebuilt model and the random weights of its layers by the names in the configuration."""
    model, layers, _ = build_model(read_architecture(json.dumps(architecture)), name="test")
    values = {}
    for path, layer in layers.items():
        for variable in layer.weights:
            value = RNG.normal(size=variable.shape).astype(np.float32)
            variable.assign(value)
            values["/".join([*path, variable.name])] = value
    return model, values


def signed(image: np.ndarray) -> np.ndarray:
    return image / 127.5 - 1


def dense(x: np.ndarray, values: dict, layer: str) -> np.ndarray:
    """A 1x1 convolution."""
    return x @ values[f"{layer}/kernel"][0, 0] + values[f"{layer}/bias"]


def test_images_are_rescaled_to_minus_one_to_one(legacy_files, image):
    files = legacy_files
    model, values = build(files.functional([files.input(), files.conv("conv2d_1", "input_1")], "conv2d_1"))
    np.testing.assert_allclose(model(image), dense(signed(image), values, "conv2d_1"), atol=1e-5)


def test_order_of_layers_in_the_file_does_not_matter(legacy_files, image):
    files = legacy_files
    layers = [
        files.input(),
        files.layer("Add", "add_1", "second", "input_1"),
        files.conv("second", "first"),
        files.conv("first", "input_1"),
    ]
    model, values = build(files.functional(layers, "add_1"))
    x = signed(image)
    expected = dense(dense(x, values, "first"), values, "second") + x
    np.testing.assert_allclose(model(image), expected, atol=1e-5)


def test_a_shared_layer_is_one_layer(legacy_files, image):
    files = legacy_files
    shared = files.conv("shared", "input_1")
    shared["inbound_nodes"].append([["shared", 0, 0, {}]])  # its second use takes the output of its first
    layers = [files.input(), shared, files.layer("Subtract", "sub", ("shared", 1, 0), ("shared", 0, 0))]
    model, values = build(files.functional(layers, "sub"))
    assert len(model.weights) == 2
    once = dense(signed(image), values, "shared")
    np.testing.assert_allclose(model(image), dense(once, values, "shared") - once, atol=1e-5)


@pytest.mark.parametrize("first_call", [0, 1])  # Keras 2 counts from 1 for models; other writers from 0
def test_a_nested_model_called_twice_with_two_outputs(legacy_files, image, first_call):
    files = legacy_files
    inside = [files.input("inside"), files.conv("conv2d_1", "inside"), files.conv("conv2d_2", "conv2d_1")]
    nested = files.functional(inside, "conv2d_2", name="nested")
    nested["config"]["output_layers"].append(["conv2d_1", 0, 0])
    nested |= {"name": "nested", "inbound_nodes": [[["input_1", 0, 0, {}]], [["conv2d_1", 0, 0, {}]]]}
    layers = [
        files.input(),
        files.conv("conv2d_1", "input_1"),
        nested,
        files.layer("Subtract", "sub", ("nested", first_call, 0), ("nested", first_call + 1, 1)),
    ]
    model, values = build(files.functional(layers, "sub"))
    x = signed(image)
    outer = dense(x, values, "conv2d_1")
    first = dense(dense(x, values, "nested/conv2d_1"), values, "nested/conv2d_2")
    second = dense(outer, values, "nested/conv2d_1")
    np.testing.assert_allclose(model(image), first - second, atol=1e-4)


@pytest.mark.parametrize("as_list", [True, False])
def test_a_sequential_model_with_another_inside(legacy_files, image, as_list):
    files = legacy_files
    inner = [files.layer("Conv2D", "a", filters=4, kernel_size=[1, 1], batch_input_shape=[None, 6, 8, 3])]
    inner.append(files.layer("Activation", "act", activation="relu"))
    inner = {"class_name": "Sequential", "config": inner if as_list else {"name": "inner", "layers": inner}}
    layers = [inner, files.layer("Conv2D", "b", filters=3, kernel_size=[1, 1])]
    for layer in layers:
        layer.pop("inbound_nodes", None)
    config = layers if as_list else {"name": "sequential_1", "layers": layers}
    model, values = build({"class_name": "Sequential", "config": config})
    nested = "Sequential" if as_list else "inner"
    expected = dense(np.maximum(dense(signed(image), values, f"{nested}/a"), 0), values, "b")
    np.testing.assert_allclose(model(image), expected, atol=1e-5)


def test_two_nameless_models_inside_a_sequential_one(legacy_files, image):
    files = legacy_files
    first = files.layer("Conv2D", "a", filters=4, kernel_size=[1, 1], batch_input_shape=[None, 6, 8, 3])
    second = files.layer("Conv2D", "a", filters=3, kernel_size=[1, 1])
    layers = [{"class_name": "Sequential", "config": [layer]} for layer in (first, second)]
    model, values = build({"class_name": "Sequential", "config": layers})
    expected = dense(dense(signed(image), values, "Sequential/a"), values, "Sequential_1/a")
    np.testing.assert_allclose(model(image), expected, atol=1e-4)


def test_the_short_connections_of_tensorflow_2(legacy_files, image):
    files = legacy_files
    layers = [files.input(), files.conv("conv2d_1", "input_1")]
    layers[1]["inbound_nodes"] = [["input_1", 0, 0, {"training": False}]]
    architecture = files.functional(layers, "conv2d_1", class_name="Functional", keras_version="2.11.0")
    architecture["config"] |= {"input_layers": ["input_1", 0, 0], "output_layers": ["conv2d_1", 0, 0]}
    model, values = build(architecture)
    np.testing.assert_allclose(model(image), dense(signed(image), values, "conv2d_1"), atol=1e-5)


def test_layer_names_that_keras_3_refuses(legacy_files):
    files = legacy_files
    layers = [files.input("image"), files.conv("block1/conv 1", "image"), files.conv("image_1", "block1/conv 1")]
    layers.append(files.conv("rescale_to_signed", "image_1"))
    model, _ = build(files.functional(layers, "rescale_to_signed"))
    assert model.output_shape == (None, 6, 8, 3)


def test_a_flattened_output_gets_its_rows_and_columns_back(legacy_files, image):
    files = legacy_files
    layers = [
        files.input(),
        files.conv("conv2d_1", "input_1"),
        files.layer("Reshape", "reshape_1", "conv2d_1", target_shape=[48, 3]),
        files.layer("Activation", "softmax", "reshape_1", activation="softmax"),
    ]
    model, values = build(files.functional(layers, "softmax"))
    logits = np.exp(dense(signed(image), values, "conv2d_1"))
    np.testing.assert_allclose(model(image), logits / logits.sum(axis=-1, keepdims=True), atol=1e-5)


def test_a_model_for_any_size_is_used_at_the_size_of_the_original_project(legacy_files):
    files = legacy_files
    layers = [files.input(shape=(None, None, None, 3)), files.conv("conv2d_1", "input_1")]
    model, _ = build(files.functional(layers, "conv2d_1"))
    assert model.input_shape == (None, 160, 160, 3)


def test_a_fixed_batch_size_is_ignored(legacy_files):
    files = legacy_files
    layers = [files.input(shape=(32, 6, 8, 3)), files.conv("conv2d_1", "input_1")]
    model, _ = build(files.functional(layers, "conv2d_1"))
    assert model.input_shape == (None, 6, 8, 3)


def test_bilinear_up_sampling_changed_with_tensorflow_1_14(legacy_files):
    files = legacy_files
    layers = [files.input(), files.layer("UpSampling2D", "up", "input_1", size=[2, 2], interpolation="bilinear")]
    image = np.zeros((1, 6, 8, 3), np.float32)
    image[0, 0, 0] = 255.0

    def second_pixel(keras_version: str) -> float:
        model, _ = build(files.functional(layers, "up", keras_version=keras_version))
        return float(model(image)[0, 0, 1, 0])

    assert second_pixel("2.2.3") == pytest.approx(0.0)  # half way between 1 and -1
    assert second_pixel("2.1.6-tf") == pytest.approx(0.0)
    assert second_pixel("2.2.4-tf") == pytest.approx(0.5)  # a quarter of the way
    assert second_pixel("2.4.0") == pytest.approx(0.5)


def _swap(files, **changes):
    return files.functional([files.input(), files.conv("conv2d_1", "input_1")], "conv2d_1") | changes


def _ending(files, *layers):
    return files.functional([files.input(), *layers], layers[-1]["name"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda f: _swap(f, class_name="Graph"), "Graph"),
        (lambda f: f.functional([f.input(), f.conv("c", "input_1", filters=4)], "c"), r"\(None, 6, 8, 4\)"),
        (lambda f: f.functional([f.input(shape=(None, 6, 8, 1)), f.conv("c", "input_1")], "c"), r"\(None, 6, 8, 1\)"),
        (lambda f: f.functional([f.input(shape=(None, 3, 6, 8)), f.conv("c", "input_1")], "c"), r"\(None, 3, 6, 8\)"),
        (lambda f: f.functional([f.input(), f.conv("c", "nowhere")], "c"), "c take"),
        (lambda f: f.functional([f.input(), f.conv("a", "b"), f.conv("b", "a")], "b"), "a, b take"),
        (lambda f: f.functional([f.input(), f.conv("c", "input_1")], "d"), "'d'"),
        (lambda f: f.functional([f.input(), f.conv("c", "input_1"), f.conv("c", "input_1")], "c"), "same name"),
        (lambda f: f.functional([f.input(), f.layer("Flatten", "f", "input_1")], "f"), "144"),
        (
            lambda f: _ending(f, f.layer("MaxPooling2D", "p", "input_1"), f.layer("Add", "sum", "p", "input_1")),
            "'sum' does not fit",
        ),
        (lambda f: _ending(f, f.layer("Lambda", "crop", "input_1", function=["code"])), "crop.*Python"),
        (lambda f: _ending(f, f.layer("Attention", "att", "input_1")), "att.*Attention"),
    ],
)  # fmt: skip
def test_errors_are_reported(legacy_files, change, reason):
    with pytest.raises(LegacyError, match=reason):
        build(change(legacy_files))


def test_two_inputs_are_refused(legacy_files):
    files = legacy_files
    layers = [files.input("a"), files.input("b"), files.layer("Add", "add_1", "a", "b")]
    architecture = files.functional(layers, "add_1")
    architecture["config"]["input_layers"].append(["b", 0, 0])
    with pytest.raises(LegacyError, match="2 inputs"):
        build(architecture)


@pytest.mark.parametrize("text", ["", "{", "[]", "3", '"{}"', '{"class_name": "Model"}', "[" * 100_000])
def test_text_that_is_no_configuration(text):
    with pytest.raises(LegacyError):
        read_architecture(text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 300) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_a_corrupted_configuration_is_a_legacy_error_or_a_model(data):
    files_layers = [
        {
            "name": "i",
            "class_name": "InputLayer",
            "config": {"batch_input_shape": [None, 4, 4, 3]},
            "inbound_nodes": [],
        },
        {
            "name": "c",
            "class_name": "Conv2D",
            "config": {"filters": 3, "kernel_size": [1, 1], "strides": [1, 1], "padding": "same", "activation": "relu"},
            "inbound_nodes": [[["i", 0, 0, {}]]],
        },
    ]
    config = {"name": "m", "layers": files_layers, "input_layers": [["i", 0, 0]], "output_layers": [["c", 0, 0]]}
    corrupted = {"class_name": "Model", "config": config}
    node = corrupted
    while True:  # walk down at random, then replace a value
        key = data.draw(st.sampled_from(sorted(node) if isinstance(node, dict) else range(len(node))))
        if isinstance(node[key], dict | list) and node[key] and data.draw(st.booleans()):
            node = node[key]
            continue
        node[key] = data.draw(json_values)
        break
    try:
        model, layers, _ = build_model(read_architecture(json.dumps(corrupted)), name="m")
    except LegacyError:
        return
    assert model.output_shape[-1] == 3
    assert layers["c",].weights
