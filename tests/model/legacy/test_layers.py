"""Each layer of 2017 against its definition in NumPy."""

import json
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.legacy.arguments import LegacyError
from model.legacy.layers import build_layer
from model.legacy.tf1_bilinear import BilinearUpSampling2D, enlarge

RNG = np.random.default_rng(1)


def random(*shape: int) -> np.ndarray:
    return RNG.normal(size=shape).astype(np.float32)


def run(class_name: str, config: dict, *inputs: np.ndarray, **weights: np.ndarray) -> np.ndarray:
    layer = build_layer(class_name, json.loads(json.dumps(config)), name="it")
    layer.build([x.shape for x in inputs] if len(inputs) > 1 else inputs[0].shape)
    assert {v.name for v in layer.weights} == set(weights)
    for variable in layer.weights:
        variable.assign(weights[variable.name])
    return np.asarray(layer(list(inputs) if len(inputs) > 1 else inputs[0]))


def same_padding(size: int, kernel: int, stride: int) -> tuple[int, int]:
    """TensorFlow's: output ceil(size / stride), the odd pixel of padding goes to the end."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def windows(x: np.ndarray, kernel: tuple, strides: tuple, padding: str, dilation=(1, 1), fill: float = 0.0):
    """Yields (row, col, window) with window (n, kernel rows, kernel cols, channels)."""
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if padding == "same":
        pads = [same_padding(x.shape[axis + 1], extent[axis], strides[axis]) for axis in (0, 1)]
        x = np.pad(x, [(0, 0), *pads, (0, 0)], constant_values=fill)
    rows = range(0, x.shape[1] - extent[0] + 1, strides[0])
    cols = range(0, x.shape[2] - extent[1] + 1, strides[1])
    for (i, row), (j, col) in product(enumerate(rows), enumerate(cols)):
        yield i, j, x[:, row : row + extent[0] : dilation[0], col : col + extent[1] : dilation[1]]


def collect(items: list[tuple[int, int, np.ndarray]]) -> np.ndarray:
    rows, cols = max(i for i, _, _ in items) + 1, max(j for _, j, _ in items) + 1
    out = np.zeros((items[0][2].shape[0], rows, cols, items[0][2].shape[1]))
    for i, j, value in items:
        out[:, i, j] = value
    return out


def convolve(x, kernel, strides, padding, dilation=(1, 1)) -> np.ndarray:
    shape = kernel.shape[:2]
    return collect(
        [(i, j, np.einsum("nhwc,hwco->no", w, kernel)) for i, j, w in windows(x, shape, strides, padding, dilation)]
    )


def convolve_depthwise(x, kernel, strides, padding) -> np.ndarray:
    items = [
        (i, j, np.einsum("nhwc,hwcm->ncm", w, kernel).reshape(len(x), -1))
        for i, j, w in windows(x, kernel.shape[:2], strides, padding)
    ]
    return collect(items)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "strides", "dilation"), [(3, 1, 1), (3, 2, 1), (2, 2, 1), (3, 1, 2), (1, 1, 1)])
def test_conv2d(padding, kernel, strides, dilation):
    x, weights, bias = random(2, 7, 6, 3), random(kernel, kernel, 3, 4), random(4)
    config = {
        "filters": 4,
        "kernel_size": [kernel, kernel],
        "strides": [strides, strides],
        "dilation_rate": [dilation, dilation],
        "padding": padding,
        "activation": "relu",
        "data_format": "channels_last",
    }
    expected = convolve(x, weights, (strides, strides), padding, (dilation, dilation)) + bias
    result = run("Conv2D", config, x, kernel=weights, bias=bias)
    np.testing.assert_allclose(result, np.maximum(expected, 0), atol=1e-4)


@pytest.mark.parametrize("class_name", ["SeparableConv2DKeras", "SeparableConv2D"])
@pytest.mark.parametrize(("padding", "strides", "multiplier"), [("same", 2, 1), ("same", 1, 2), ("valid", 1, 3)])
def test_separable_conv2d(class_name, padding, strides, multiplier):
    x, bias = random(1, 7, 6, 3), random(5)
    depthwise, pointwise = random(3, 3, 3, multiplier), random(1, 1, 3 * multiplier, 5)
    config = {
        "filters": 5,
        "kernel_size": [3, 3],
        "strides": [strides, strides],
        "padding": padding,
        "depth_multiplier": multiplier,
    }
    between = convolve_depthwise(x, depthwise, (strides, strides), padding)
    expected = convolve(between, pointwise, (1, 1), "valid") + bias
    result = run(class_name, config, x, depthwise_kernel=depthwise, pointwise_kernel=pointwise, bias=bias)
    np.testing.assert_allclose(result, expected, atol=1e-4)


def test_depthwise_conv2d_without_bias():
    x, kernel = random(1, 6, 6, 2), random(3, 3, 2, 2)
    config = {"kernel_size": [3, 3], "strides": [2, 2], "padding": "same", "depth_multiplier": 2, "use_bias": False}
    expected = convolve_depthwise(x, kernel, (2, 2), "same")
    np.testing.assert_allclose(run("DepthwiseConv2D", config, x, kernel=kernel), expected, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("kernel", "stride"), [(2, 2), (3, 2), (4, 2), (1, 2), (3, 1), (5, 3)])
def test_conv2d_transpose(padding, kernel, stride):
    x, weights, bias = random(1, 4, 5, 3), random(kernel, kernel, 2, 3), random(2)
    full = np.zeros((1, 3 * stride + max(kernel, stride), 4 * stride + max(kernel, stride), 2))
    for i, j in product(range(4), range(5)):
        window = full[:, i * stride : i * stride + kernel, j * stride : j * stride + kernel]
        window += np.einsum("nc,hwoc->nhwo", x[:, i, j], weights)
    if padding == "same":  # the gradient of a strided "same" convolution over an image of size * stride
        before = max(kernel - stride, 0) // 2
        full = full[:, before : before + 4 * stride, before : before + 5 * stride]
    config = {"filters": 2, "kernel_size": [kernel, kernel], "strides": [stride, stride], "padding": padding}
    result = run("Conv2DTranspose", config, x, kernel=weights, bias=bias)
    np.testing.assert_allclose(result, full + bias, atol=1e-4)


@pytest.mark.parametrize("padding", ["same", "valid"])
@pytest.mark.parametrize(("pool", "strides"), [(2, None), (3, 2), (2, 1)])
def test_pooling(padding, pool, strides):
    x = random(2, 7, 5, 3)
    config = {"pool_size": [pool, pool], "strides": strides and [strides, strides], "padding": padding}
    step = (strides or pool,) * 2
    maximum = collect([(i, j, w.max(axis=(1, 2))) for i, j, w in windows(x, (pool, pool), step, padding, fill=-np.inf)])
    # padding does not count in averages
    mean = collect(
        [(i, j, np.nanmean(w, axis=(1, 2))) for i, j, w in windows(x, (pool, pool), step, padding, fill=np.nan)]
    )
    np.testing.assert_allclose(run("MaxPooling2D", config, x), maximum, atol=1e-6)
    np.testing.assert_allclose(run("AveragePooling2D", config, x), mean, atol=1e-6)
    np.testing.assert_allclose(run("GlobalAveragePooling2D", {}, x), x.mean(axis=(1, 2)), atol=1e-6)
    np.testing.assert_allclose(run("GlobalMaxPooling2D", {}, x), x.max(axis=(1, 2)), atol=1e-6)


def bilinear_of_tensorflow_1(x: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    out = np.zeros((len(x), x.shape[1] * size[0], x.shape[2] * size[1], x.shape[3]))
    for i, j in product(range(out.shape[1]), range(out.shape[2])):
        (row, down), (col, right) = divmod(i, size[0]), divmod(j, size[1])
        down, right = down / size[0], right / size[1]
        below, beside = min(row + 1, x.shape[1] - 1), min(col + 1, x.shape[2] - 1)
        top = x[:, row, col] * (1 - right) + x[:, row, beside] * right
        bottom = x[:, below, col] * (1 - right) + x[:, below, beside] * right
        out[:, i, j] = top * (1 - down) + bottom * down
    return out


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 4))
def test_bilinear_upsampling_is_that_of_tensorflow_1(rows, cols, down, right):
    x = random(1, rows, cols, 2)
    expected = bilinear_of_tensorflow_1(x, (down, right))
    np.testing.assert_allclose(BilinearUpSampling2D((down, right))(x), expected, atol=1e-5)
    np.testing.assert_allclose(enlarge(enlarge(x, 1, down), 2, right), expected, atol=1e-5)


@pytest.mark.parametrize("config", [{"size": [2, 2]}, {"size": 2}, {"upsampling": [2, 2]}, {"upsample_size": 2}, {}])
def test_bilinear_upsampling_under_all_its_names(config):
    x = random(1, 3, 4, 2)
    for class_name in ("BilinearUpSampling2D", "BilinearUpsampling2D", "BilinearUpsampling"):
        np.testing.assert_allclose(run(class_name, config, x), bilinear_of_tensorflow_1(x, (2, 2)), atol=1e-5)


def test_upsampling_is_nearest_unless_bilinear():
    x = random(1, 3, 4, 2)
    np.testing.assert_array_equal(run("UpSampling2D", {"size": [2, 3]}, x), x.repeat(2, axis=1).repeat(3, axis=2))
    bilinear = run("UpSampling2D", {"size": [2, 2], "interpolation": "bilinear"}, x)
    np.testing.assert_allclose(bilinear, bilinear_of_tensorflow_1(x, (2, 2)), atol=1e-5)


@pytest.mark.parametrize(("center", "scale"), [(True, True), (True, False), (False, True), (False, False)])
def test_batch_normalization(center, scale):
    x = random(2, 3, 4, 5)
    weights = {"moving_mean": random(5), "moving_variance": random(5) ** 2}
    weights |= {"beta": random(5)} if center else {}
    weights |= {"gamma": random(5)} if scale else {}
    config = {"axis": [3], "epsilon": 0.01, "momentum": 0.9, "center": center, "scale": scale}
    expected = (x - weights["moving_mean"]) / np.sqrt(weights["moving_variance"] + 0.01)
    expected = expected * weights.get("gamma", 1) + weights.get("beta", 0)
    np.testing.assert_allclose(run("BatchNormalization", config, x, **weights), expected, atol=1e-4)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


ACTIVATIONS = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "elu": lambda x: np.where(x > 0, x, np.expm1(x)),
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "hard_sigmoid": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "tanh": np.tanh,
    "softplus": lambda x: np.log1p(np.exp(x)),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "softmax": softmax,
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x)),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations(name):
    x = random(2, 3, 4, 5) * 4
    np.testing.assert_allclose(run("Activation", {"activation": name}, x), ACTIVATIONS[name](x), atol=1e-5)


@pytest.mark.parametrize("alpha", [0.1, {"type": "ndarray", "value": 0.1}, [0.1], {"value": [0.1]}])
def test_slopes_in_all_forms_of_keras_2(alpha):
    x = random(1, 3, 4, 2)
    np.testing.assert_allclose(run("LeakyReLU", {"alpha": alpha}, x), np.where(x > 0, x, 0.1 * x), atol=1e-6)
    np.testing.assert_allclose(run("ELU", {"alpha": alpha}, x), np.where(x > 0, x, 0.1 * np.expm1(x)), atol=1e-6)
    np.testing.assert_allclose(run("ThresholdedReLU", {"theta": alpha}, x), np.where(x > 0.1, x, 0), atol=1e-6)


def test_leaky_relu_as_the_activation_of_a_convolution():
    x, kernel = random(1, 3, 4, 2), random(1, 1, 2, 2)
    activation = {"class_name": "LeakyReLU", "config": {"name": "leaky_re_lu_1", "alpha": 0.3}}
    config = {"filters": 2, "kernel_size": [1, 1], "use_bias": False, "activation": activation}
    y = x @ kernel[0, 0]
    np.testing.assert_allclose(run("Conv2D", config, x, kernel=kernel), np.where(y > 0, y, 0.3 * y), atol=1e-5)


@pytest.mark.parametrize(("shared_axes", "shape"), [(None, (3, 4, 2)), ([1, 2], (1, 1, 2))])
def test_prelu(shared_axes, shape):
    x, alpha = random(2, 3, 4, 2), random(*shape)
    result = run("PReLU", {"shared_axes": shared_axes}, x, alpha=alpha)
    np.testing.assert_allclose(result, np.where(x > 0, x, alpha * x), atol=1e-6)


@pytest.mark.parametrize(
    ("class_name", "mode", "merge"),
    [
        ("Add", "sum", lambda a, b: a + b),
        ("Multiply", "mul", lambda a, b: a * b),
        ("Average", "ave", lambda a, b: (a + b) / 2),
        ("Maximum", "max", np.maximum),
        ("Concatenate", "concat", lambda a, b: np.concatenate([a, b], axis=-1)),
    ],
)
def test_merges_of_keras_2_and_keras_1(class_name, mode, merge):
    a, b = random(1, 2, 3, 4), random(1, 2, 3, 4)
    np.testing.assert_allclose(run(class_name, {"axis": -1}, a, b), merge(a, b), atol=1e-6)
    keras1 = {"mode": mode, "mode_type": "raw", "concat_axis": 3, "dot_axes": -1, "output_shape": None}
    np.testing.assert_allclose(run("Merge", keras1, a, b), merge(a, b), atol=1e-6)


def test_subtract():
    a, b = random(1, 2, 3, 4), random(1, 2, 3, 4)
    np.testing.assert_allclose(run("Subtract", {}, a, b), a - b, atol=1e-6)


@pytest.mark.parametrize(
    "padding", [[[1, 1], [2, 2]], [1, 2], {"top_pad": 1, "bottom_pad": 1, "left_pad": 2, "right_pad": 2}]
)
def test_padding_and_cropping_in_every_spelling(padding):
    x = random(1, 5, 6, 2)
    padded = np.pad(x, [(0, 0), (1, 1), (2, 2), (0, 0)])
    np.testing.assert_array_equal(run("ZeroPadding2D", {"padding": padding}, x), padded)
    np.testing.assert_array_equal(run("Cropping2D", {"cropping": padding}, padded), x)


def test_reshape_permute_flatten():
    x = random(2, 3, 4, 5)
    np.testing.assert_array_equal(run("Reshape", {"target_shape": [-1, 5]}, x), x.reshape(2, 12, 5))
    np.testing.assert_array_equal(run("Permute", {"dims": [2, 1, 3]}, x), x.transpose(0, 2, 1, 3))
    np.testing.assert_array_equal(run("Flatten", {}, x), x.reshape(2, 60))


@pytest.mark.parametrize(
    "class_name", ["Dropout", "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout"]
)
def test_noise_acts_in_training_only(class_name):
    x = random(1, 3, 4, 2)
    config = {"p": 0.5, "rate": 0.5, "sigma": 1.0, "stddev": 1.0, "noise_shape": None, "seed": None}
    np.testing.assert_array_equal(run(class_name, config, x), x)


def test_keras_1_spellings():
    x, kernel, bias = random(1, 6, 7, 3), random(3, 2, 3, 4), random(4)
    config = {
        "nb_filter": 4,
        "nb_row": 3,
        "nb_col": 2,
        "border_mode": "same",
        "subsample": [2, 2],
        "bias": True,
        "dim_ordering": "tf",
        "activation": "linear",
        "W_regularizer": None,
        "init": "glorot_uniform",
    }
    expected = convolve(x, kernel, (2, 2), "same") + bias
    np.testing.assert_allclose(run("Convolution2D", config, x, kernel=kernel, bias=bias), expected, atol=1e-4)
    atrous = config | {"subsample": [1, 1], "atrous_rate": [2, 2]}
    expected = convolve(x, kernel, (1, 1), "same", dilation=(2, 2)) + bias
    np.testing.assert_allclose(run("AtrousConvolution2D", atrous, x, kernel=kernel, bias=bias), expected, atol=1e-4)


@pytest.mark.parametrize(
    ("class_name", "config", "reason"),
    [
        ("Lambda", {"function": ["4wEAAAA=", None, None]}, "Python code"),
        ("CapsuleLayer", {}, "CapsuleLayer"),
        ("Activation", {"activation": "mish"}, "mish"),
        ("Activation", {"activation": "<lambda>"}, "lambda"),
        ("Conv2D", {"filters": 2, "kernel_size": [1, 1], "data_format": "channels_first"}, "channels_first"),
        ("Convolution2D", {"nb_filter": 2, "nb_row": 1, "nb_col": 1, "dim_ordering": "th"}, "channels_first"),
        ("Conv2D", {"filters": 2, "kernel_size": [1, 1], "padding": "full"}, "full"),
        ("Conv2D", {"filters": 2, "kernel_size": "3"}, "kernel_size"),
        ("BatchNormalization", {"axis": 1}, "axis 1"),
        ("BatchNormalization", {"mode": 2}, "mode"),
        ("Merge", {"mode": "dot"}, "dot"),
        ("Merge", {"mode": "<lambda>", "mode_type": "lambda"}, "Python function"),
        ("UpSampling2D", {"size": [2, 2], "interpolation": "bicubic"}, "bicubic"),
        ("BilinearUpSampling2D", {"size": [1, 1], "target_size": [20, 20]}, "target_size"),
        ("LeakyReLU", {"alpha": "steep"}, "steep"),
        ("ZeroPadding2D", {"padding": [[1, 2, 3], [1]]}, "padding"),
    ],
)
def test_what_cannot_be_rebuilt_is_reported(class_name, config, reason):
    with pytest.raises(LegacyError, match=reason):
        build_layer(class_name, config, name="it")


def test_the_layers_that_keras_2_had_for_pictures():
    x = random(1, 4, 6, 2)
    scaled = run("Rescaling", {"scale": 1 / 127.5, "offset": -1.0, "name": "a", "dtype": "float32"}, x)
    np.testing.assert_allclose(scaled, x / 127.5 - 1, atol=1e-6)
    assert run("Resizing", {"height": 8, "width": 3, "interpolation": "bilinear"}, x).shape == (1, 8, 3, 2)
    mean, variance = x.mean(axis=-1, keepdims=True), x.var(axis=-1, keepdims=True)
    ones, zeros = np.ones(2, np.float32), np.zeros(2, np.float32)
    normalised = run("LayerNormalization", {"axis": [3], "epsilon": 1e-3}, x, gamma=ones, beta=zeros)
    np.testing.assert_allclose(normalised, (x - mean) / np.sqrt(variance + 1e-3), atol=1e-5)
