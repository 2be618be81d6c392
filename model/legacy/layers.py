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
    read_choice,
    read_number,
    read_pair,
)
from model.legacy.tf1_bilinear import BilinearUpSampling2D

_CONVOLUTION = ("kernel_size", "strides", "padding", "dilation_rate", "use_bias", "activation")
_POOLING = ("pool_size", "strides", "padding")
# The layers that can be built, each with the arguments that are read; those that are not given have Keras' defaults.
_ARGUMENTS: dict[type[keras.Layer], tuple[str, ...]] = {
    layers.Conv2D: ("filters", "groups", *_CONVOLUTION),
    layers.Conv2DTranspose: ("filters", "output_padding", *_CONVOLUTION),
    layers.SeparableConv2D: ("filters", "depth_multiplier", *_CONVOLUTION),
    layers.DepthwiseConv2D: ("depth_multiplier", *_CONVOLUTION),
    layers.Dense: ("units", "use_bias", "activation"),
    layers.MaxPooling2D: _POOLING,
    layers.AveragePooling2D: _POOLING,
    layers.GlobalAveragePooling2D: ("keepdims",),
    layers.GlobalMaxPooling2D: ("keepdims",),
    layers.UpSampling2D: ("size", "interpolation"),
    BilinearUpSampling2D: ("size",),
    layers.ZeroPadding2D: ("padding",),
    layers.Cropping2D: ("cropping",),
    layers.BatchNormalization: ("epsilon", "momentum", "center", "scale"),
    layers.LayerNormalization: ("axis", "epsilon", "center", "scale"),
    layers.GroupNormalization: ("groups", "axis", "epsilon", "center", "scale"),
    layers.UnitNormalization: ("axis",),
    layers.Rescaling: ("scale", "offset"),
    layers.Resizing: ("height", "width", "interpolation", "crop_to_aspect_ratio"),
    layers.Activation: ("activation",),
    layers.ReLU: ("max_value", "negative_slope", "threshold"),
    layers.LeakyReLU: ("negative_slope",),
    layers.PReLU: ("shared_axes",),
    layers.ELU: ("alpha",),
    layers.Softmax: ("axis",),
    layers.Concatenate: ("axis",),
    layers.Reshape: ("target_shape",),
    layers.Permute: ("dims",),
    **dict.fromkeys((layers.Add, layers.Subtract, layers.Multiply, layers.Average, layers.Maximum, layers.Minimum), ()),
    **dict.fromkeys((layers.Flatten, layers.Identity), ()),
}
# Names in Keras 1 and in the utilities of the original project; layers that act in training only.
_ALIASES = {
    layers.Conv2D: ("Convolution2D", "AtrousConv2D", "AtrousConvolution2D"),
    layers.Conv2DTranspose: ("Deconv2D", "Deconvolution2D", "Convolution2DTranspose"),
    layers.SeparableConv2D: ("SeparableConvolution2D", "SeparableConv2DKeras"),
    layers.DepthwiseConv2D: ("DepthwiseConvolution2D",),
    layers.ReLU: ("ThresholdedReLU",),
    BilinearUpSampling2D: ("BilinearUpSampling", "BilinearUpsampling", "BilinearUpsampling2D"),
    layers.BatchNormalization: ("BatchNormalizationV1", "BatchNormalizationV2"),
    layers.Identity: (
        "Dropout", "SpatialDropout2D", "AlphaDropout", "GaussianDropout", "GaussianNoise", "ActivityRegularization",
    ),
}  # fmt: skip
_CLASSES = {kind.__name__: kind for kind in _ARGUMENTS}
_CLASSES |= {alias: kind for kind, aliases in _ALIASES.items() for alias in aliases}
_MERGES = {"sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate"}
_SIZE_NAMES = ("size", "upsampling", "up_sampling", "upsample", "upsample_size", "upsampling_size", "factor", "scale")


def build_layer(class_name: str, config: Config, name: str | None, bilinear_is_tf1: bool = True) -> keras.Layer:
    """Return the Keras 3 layer for `config`, called `name`.

    `bilinear_is_tf1` says whether a bilinear UpSampling2D samples as in TensorFlow 1 or with half-pixel centres.

    Raises LegacyError for unknown classes, for Python code (Lambda) and for arguments without an equivalent.
    """
    if class_name == "Lambda":
        raise LegacyError("it is a Lambda layer, which holds Python code, and code from a file is never run")
    arguments = modern_arguments(config)
    if class_name == "Merge":
        class_name = _merge_class(arguments)
    if class_name == "UpSampling2D" and arguments.get("interpolation") == "bilinear" and bilinear_is_tf1:
        class_name = "BilinearUpSampling2D"
    kind = _CLASSES.get(class_name)
    if kind is None:
        raise LegacyError(f"the layer class {class_name!r} is not one of the known stock layers of Keras 1 and 2")
    if kind is BilinearUpSampling2D:
        if "target_size" in arguments:
            size = arguments["target_size"]
            raise LegacyError(f"target_size {size!r} is not supported; supported is a size to multiply by")
        arguments["size"] = next((arguments[key] for key in _SIZE_NAMES if key in arguments), 2)
    elif kind is layers.BatchNormalization:
        _check_normalization(arguments)
    elif class_name == "LeakyReLU" and "alpha" in arguments:
        arguments["negative_slope"] = arguments["alpha"]
    elif class_name == "ThresholdedReLU":
        arguments["threshold"] = arguments.get("theta", 1.0)
    given = {key: arguments[key] for key in _ARGUMENTS[kind] if key in arguments}
    return kind(
        name=name, **{key: _READERS[key](value, key) if key in _READERS else value for key, value in given.items()}
    )


def _merge_class(arguments: Config) -> str:
    """Return the Keras 2 layer that a Merge of Keras 1 became."""
    mode = arguments.get("mode", "sum")
    if arguments.get("mode_type", "raw") != "raw":
        raise LegacyError("it merges with a Python function, and code from a file is never run")
    if mode not in _MERGES:
        raise LegacyError(f"the merge mode {mode!r} is not supported; supported are {', '.join(_MERGES)}")
    return _MERGES[mode]


def _check_normalization(arguments: Config) -> None:
    if arguments.get("mode", 0) != 0:
        raise LegacyError("batch normalisation of Keras 1 with a mode other than 0 is not supported")
    axis = arguments.get("axis", -1)
    axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
    if axis not in (-1, 3):
        raise LegacyError(f"batch normalisation along axis {axis!r} is not supported; supported is the last axis")


# --- arguments


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


def _read_activation(value: Any, _: str) -> Callable[..., Any]:
    if isinstance(value, Mapping) and isinstance(value.get("config"), Mapping):
        # An activation layer passed as an argument: Conv2D(..., activation=LeakyReLU()).
        layer: Callable[..., Any] = build_layer(str(value.get("class_name")), value["config"], name=None)
        return layer
    if isinstance(value, Mapping):
        value = value.get("config", value.get("class_name"))
    if not isinstance(value, str) or value not in _ACTIVATIONS:
        raise LegacyError(f"the activation {value!r} is not known; known are {', '.join(sorted(_ACTIVATIONS))}")
    return _ACTIVATIONS[value]


def _read_padding(value: Any, name: str) -> Any:
    """Return the word that a convolution has, or the borders of a ZeroPadding2D."""
    return read_choice(value, name, ("valid", "same")) if isinstance(value, str) else read_borders(value, name)


_READERS: dict[str, Callable[[Any, str], Any]] = {  # of arguments that are not taken as they are
    **dict.fromkeys(("kernel_size", "strides", "dilation_rate", "pool_size", "size"), read_pair),
    **dict.fromkeys(("epsilon", "momentum", "max_value", "negative_slope", "threshold", "alpha"), read_number),
    "output_padding": partial(read_pair, least=0),
    "padding": _read_padding,
    "cropping": read_borders,
    "interpolation": partial(read_choice, choices=("nearest", "bilinear")),
    "activation": _read_activation,
}
