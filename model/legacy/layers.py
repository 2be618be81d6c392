"""Rebuild one layer of a 2017 model (Keras 1 or 2 configuration) as a Keras 3 layer.

Only arguments that matter at inference are read; initialisers, regularisers, constraints and noise are ignored. Nothing
named in a configuration is imported or called: a class that is not in the table is an error.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import keras
from keras import layers, ops

from model.legacy.arguments import (
    Config,
    LegacyError,
    modern_arguments,
    read_borders,
    read_number,
    read_padding,
    read_pair,
)
from model.legacy.tf1_bilinear import BilinearUpSampling2D


def build_layer(class_name: str, config: Config, name: str | None, bilinear_is_tf1: bool = True) -> keras.Layer:
    """Return the Keras 3 layer for `config`, called `name`.

    `bilinear_is_tf1` says whether a bilinear UpSampling2D samples as in TensorFlow 1 or with half-pixel centres.

    Raises LegacyError for unknown classes, for Python code (Lambda) and for arguments without an equivalent.
    """
    if class_name == "Lambda":
        raise LegacyError("it is a Lambda layer, which holds Python code, and code from a file is never run")
    if class_name not in _BUILDERS:
        raise LegacyError(f"the layer class {class_name!r} is not one of the known stock layers of Keras 1 and 2")
    arguments = modern_arguments(config)
    if arguments["data_format"] != "channels_last":
        raise LegacyError(f"data_format is {arguments['data_format']!r}; only channels_last is supported")
    if class_name == "UpSampling2D" and arguments.get("interpolation") == "bilinear" and bilinear_is_tf1:
        class_name = "BilinearUpSampling2D"
    return _BUILDERS[class_name](arguments, name)


# --- activations


@keras.saving.register_keras_serializable(package="follow_me")  # so that networks which use it can be cloned
def _hard_sigmoid(x: keras.KerasTensor) -> keras.KerasTensor:
    # Keras 3's own is relu6(x + 3) / 6; models of 2017 were trained with this slope.
    return ops.clip(0.2 * x + 0.5, 0.0, 1.0)


_KEPT = (
    "linear", "relu", "relu6", "leaky_relu", "elu", "selu", "sigmoid", "tanh", "softmax", "softplus", "softsign",
    "exponential", "silu",
)  # fmt: skip
_ACTIVATIONS: dict[str, Callable[..., Any]] = {
    **{name: getattr(keras.activations, name) for name in _KEPT},
    "hard_sigmoid": _hard_sigmoid,
    "swish": keras.activations.silu,
    "identity": keras.activations.linear,
}


def _activation(value: Any) -> Callable[..., Any]:
    if value is None:
        return _ACTIVATIONS["linear"]
    if isinstance(value, Mapping) and isinstance(value.get("config"), Mapping):
        # An activation layer passed as an argument: Conv2D(..., activation=LeakyReLU()).
        layer: Callable[..., Any] = build_layer(str(value.get("class_name")), value["config"], name=None)
        return layer
    if isinstance(value, Mapping):
        value = value.get("config", value.get("class_name"))
    if not isinstance(value, str) or value not in _ACTIVATIONS:
        raise LegacyError(f"the activation {value!r} is not known; known are {', '.join(sorted(_ACTIVATIONS))}")
    return _ACTIVATIONS[value]


# --- convolutions


def _convolution(layer_class: type, config: Config, name: str | None, **arguments: Any) -> keras.Layer:
    return layer_class(
        kernel_size=read_pair(config.get("kernel_size"), "kernel_size"),
        strides=read_pair(config.get("strides") or 1, "strides"),
        padding=read_padding(config),
        dilation_rate=read_pair(config.get("dilation_rate") or 1, "dilation_rate"),
        use_bias=config.get("use_bias", True),
        activation=_activation(config.get("activation")),
        name=name,
        **arguments,
    )


def _conv2d(config: Config, name: str | None) -> keras.Layer:
    return _convolution(layers.Conv2D, config, name, filters=config.get("filters"), groups=config.get("groups", 1))


def _conv2d_transpose(config: Config, name: str | None) -> keras.Layer:
    padding = config.get("output_padding")
    output_padding = None if padding is None else read_pair(padding, "output_padding", least=0)
    filters = config.get("filters")
    return _convolution(layers.Conv2DTranspose, config, name, filters=filters, output_padding=output_padding)


def _separable_conv2d(config: Config, name: str | None) -> keras.Layer:
    filters, multiplier = config.get("filters"), config.get("depth_multiplier") or 1
    return _convolution(layers.SeparableConv2D, config, name, filters=filters, depth_multiplier=multiplier)


def _depthwise_conv2d(config: Config, name: str | None) -> keras.Layer:
    return _convolution(layers.DepthwiseConv2D, config, name, depth_multiplier=config.get("depth_multiplier") or 1)


def _dense(config: Config, name: str | None) -> keras.Layer:
    use_bias, activation = config.get("use_bias", True), _activation(config.get("activation"))
    return layers.Dense(config.get("units"), use_bias=use_bias, activation=activation, name=name)


# --- sizes


def _pooling(layer_class: type, config: Config, name: str | None) -> keras.Layer:
    pool_size = read_pair(config.get("pool_size") or 2, "pool_size")
    strides = read_pair(config.get("strides") or pool_size, "strides")
    return layer_class(pool_size=pool_size, strides=strides, padding=read_padding(config), name=name)


def _global_pooling(layer_class: type, config: Config, name: str | None) -> keras.Layer:
    return layer_class(keepdims=bool(config.get("keepdims", False)), name=name)


_SIZE_NAMES = ("size", "upsampling", "up_sampling", "upsample", "upsample_size", "upsampling_size", "factor", "scale")


def _bilinear_up_sampling(config: Config, name: str | None) -> keras.Layer:
    if config.get("target_size") is not None:
        raise LegacyError(f"target_size {config['target_size']!r} is not supported; supported is a size to multiply by")
    size = next((config[key] for key in _SIZE_NAMES if config.get(key) is not None), 2)
    return BilinearUpSampling2D(read_pair(size, "size"), name=name)


def _up_sampling(config: Config, name: str | None) -> keras.Layer:
    interpolation = config.get("interpolation") or "nearest"
    if interpolation not in ("nearest", "bilinear"):
        raise LegacyError(f"interpolation {interpolation!r} is not supported; supported are nearest and bilinear")
    return layers.UpSampling2D(read_pair(config.get("size") or 2, "size"), interpolation=interpolation, name=name)


def _zero_padding(config: Config, name: str | None) -> keras.Layer:
    return layers.ZeroPadding2D(read_borders(config.get("padding", 1), "padding"), name=name)


def _cropping(config: Config, name: str | None) -> keras.Layer:
    return layers.Cropping2D(read_borders(config.get("cropping", 0), "cropping"), name=name)


# --- everything else


def _batch_normalization(config: Config, name: str | None) -> keras.Layer:
    if config.get("mode", 0) != 0:
        raise LegacyError("batch normalisation of Keras 1 with a mode other than 0 is not supported")
    axis = config.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, 3):
        raise LegacyError(f"batch normalisation along axis {axis!r} is not supported; supported is the last axis")
    return layers.BatchNormalization(
        epsilon=read_number(config.get("epsilon", 1e-3), "epsilon"),
        momentum=read_number(config.get("momentum", 0.99), "momentum"),
        center=config.get("center", True),
        scale=config.get("scale", True),
        name=name,
    )


_MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}


def _merge(config: Config, name: str | None) -> keras.Layer:
    """Return the Keras 2 layer that a Merge of Keras 1 with this `mode` became."""
    mode = config.get("mode", "sum")
    if config.get("mode_type", "raw") != "raw":
        raise LegacyError("it merges with a Python function, and code from a file is never run")
    if mode not in _MERGES:
        raise LegacyError(f"the merge mode {mode!r} is not supported; supported are {', '.join(_MERGES)}")
    return _BUILDERS[_MERGES[mode]](config, name)


def _relu(config: Config, name: str | None) -> keras.Layer:
    maximum = config.get("max_value")
    return layers.ReLU(
        max_value=None if maximum is None else read_number(maximum, "max_value"),
        negative_slope=read_number(config.get("negative_slope") or 0.0, "negative_slope"),
        threshold=read_number(config.get("threshold") or 0.0, "threshold"),
        name=name,
    )


def _thresholded_relu(config: Config, name: str | None) -> keras.Layer:
    return layers.ReLU(threshold=read_number(config.get("theta", 1.0), "theta"), name=name)


def _leaky_relu(config: Config, name: str | None) -> keras.Layer:
    return layers.LeakyReLU(read_number(config.get("alpha", config.get("negative_slope", 0.3)), "alpha"), name=name)


def _elu(config: Config, name: str | None) -> keras.Layer:
    return layers.ELU(read_number(config.get("alpha", 1.0), "alpha"), name=name)


def _without_arguments(layer_class: type, config: Config, name: str | None) -> keras.Layer:
    return layer_class(name=name)


_PLAIN = (
    layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum, layers.Flatten,
    layers.Identity,
)  # fmt: skip
_BUILDERS: dict[str, Callable[[Config, str | None], keras.Layer]] = {
    "Conv2D": _conv2d,
    "Conv2DTranspose": _conv2d_transpose,
    "SeparableConv2D": _separable_conv2d,
    "DepthwiseConv2D": _depthwise_conv2d,
    "Dense": _dense,
    "MaxPooling2D": partial(_pooling, layers.MaxPooling2D),
    "AveragePooling2D": partial(_pooling, layers.AveragePooling2D),
    "GlobalAveragePooling2D": partial(_global_pooling, layers.GlobalAveragePooling2D),
    "GlobalMaxPooling2D": partial(_global_pooling, layers.GlobalMaxPooling2D),
    "UpSampling2D": _up_sampling,
    "BilinearUpSampling2D": _bilinear_up_sampling,
    "ZeroPadding2D": _zero_padding,
    "Cropping2D": _cropping,
    "BatchNormalization": _batch_normalization,
    "Activation": lambda config, name: layers.Activation(_activation(config.get("activation")), name=name),
    "ReLU": _relu,
    "LeakyReLU": _leaky_relu,
    "ThresholdedReLU": _thresholded_relu,
    "PReLU": lambda config, name: layers.PReLU(shared_axes=config.get("shared_axes"), name=name),
    "ELU": _elu,
    "Softmax": lambda config, name: layers.Softmax(axis=config.get("axis", -1), name=name),
    "Concatenate": lambda config, name: layers.Concatenate(axis=config.get("axis", -1), name=name),
    "Merge": _merge,
    "Reshape": lambda config, name: layers.Reshape(tuple(config.get("target_shape", ())), name=name),
    "Permute": lambda config, name: layers.Permute(tuple(config.get("dims", ())), name=name),
    **{layer_class.__name__: partial(_without_arguments, layer_class) for layer_class in _PLAIN},
}
# Names in Keras 1 and in the utilities of the original project; layers that act in training only.
_ALIASES = {
    "Conv2D": ("Convolution2D", "AtrousConv2D", "AtrousConvolution2D"),
    "Conv2DTranspose": ("Deconv2D", "Deconvolution2D", "Convolution2DTranspose"),
    "SeparableConv2D": ("SeparableConvolution2D", "SeparableConv2DKeras"),
    "DepthwiseConv2D": ("DepthwiseConvolution2D",),
    "BilinearUpSampling2D": ("BilinearUpSampling", "BilinearUpsampling", "BilinearUpsampling2D"),
    "BatchNormalization": ("BatchNormalizationV1", "BatchNormalizationV2"),
    "Identity": (
        "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization",
    ),
}  # fmt: skip
_BUILDERS |= {alias: _BUILDERS[name] for name, aliases in _ALIASES.items() for alias in aliases}
