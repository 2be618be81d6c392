"""Build Keras 3 models from saved architectures that consist of known, harmless parts only.

Keras imports and calls what a file names (Lambda layers, classes of any module), so the architecture is checked as
plain data first.
"""

from collections.abc import Mapping
from typing import Any

import keras

from model.legacy.tf1_bilinear import BilinearUpSampling2D

_OUR_LAYERS = {"BilinearUpSampling2D": BilinearUpSampling2D}
_LAYERS = {
    "Functional", "Sequential", "Model", "InputLayer", "Rescaling", "Resizing", "Identity",
    "Conv2D", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D", "Dense",
    "MaxPooling2D", "AveragePooling2D", "GlobalAveragePooling2D", "GlobalMaxPooling2D", "UpSampling2D",
    "ZeroPadding2D", "Cropping2D", "Reshape", "Permute", "Flatten",
    "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization",
    "Activation", "ReLU", "LeakyReLU", "PReLU", "ELU", "Softmax",
    "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate",
    "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization",
}  # fmt: skip
_PARTS = {
    "__keras_tensor__", "__tuple__", "DTypePolicy",
    "Zeros", "Ones", "Constant", "Identity", "Orthogonal", "VarianceScaling",
    "RandomNormal", "RandomUniform", "TruncatedNormal",
    "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform",
    "L1", "L2", "L1L2", "OrthogonalRegularizer",
    "MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm",
}  # fmt: skip
COMPILED = "compile_config"  # optimizer, loss and metrics of a model and of those inside it
_HALF = ("float16", "bfloat16", "mixed_float16", "mixed_bfloat16")  # as Keras 3.0 to 3.3 name precisions
_MODULES = {
    "keras", "keras.layers", "keras.models", "keras.initializers", "keras.regularizers", "keras.constraints",
    "keras.src.models.functional", "keras.src.models.sequential",
}  # fmt: skip


def check_architecture(value: Any) -> None:
    """Raise ValueError unless the tables of this module list all classes in `value`, parsed JSON.

    How a model was compiled is never rebuilt, and does not count.
    """
    if isinstance(value, Mapping):
        if "class_name" in value:
            _check_class(value)
        value = [inner for key, inner in value.items() if key != COMPILED]
    if isinstance(value, list | tuple):
        for inner in value:
            check_architecture(inner)


def _check_class(spec: Mapping[str, Any]) -> None:
    name, module = spec["class_name"], spec.get("module")
    if name in ("Lambda", "__lambda__", "function"):
        raise ValueError(f"the architecture holds Python code ({name}), and code from a file is never run")
    if str(module).startswith(("keras.ops", "keras.src.ops")):
        raise ValueError(f"the architecture applies {name} outside of a layer; use layers such as Rescaling or Softmax")
    if name not in _LAYERS | _PARTS | _OUR_LAYERS.keys():
        raise ValueError(f"the architecture names the class {name!r}, which is not among those that this program loads")
    if str(module).startswith(("keras.src.engine", "keras.engine")):
        raise ValueError('Keras 2 has saved it in this format; save it there as .h5: model.save("mine.h5")')
    if module not in _MODULES | {None} or spec.get("registered_name") not in (None, name):
        raise ValueError(f"the architecture takes the class {name!r} from {module!r}, which is not Keras")


def build_trusted(architecture: Mapping[str, Any]) -> keras.Model:
    """Return the model of `architecture` (Keras 3's `model_config`) with fresh weights. Raises ValueError.

    It computes in float32, whatever precision it was trained in.
    """
    check_architecture(architecture)
    if not isinstance(architecture, Mapping) or not isinstance(architecture.get("config"), Mapping):
        raise ValueError("the architecture does not describe a Keras model")
    build = keras.Sequential.from_config if architecture.get("class_name") == "Sequential" else keras.Model.from_config
    try:
        model = build(_to_predict_in_float32(architecture["config"]), custom_objects=_OUR_LAYERS)
    except Exception as error:  # Keras raises many kinds for configurations that make no sense
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"the architecture cannot be rebuilt ({lines[0].rstrip('.')})") from error
    if not model.built:
        raise ValueError("the architecture does not contain the input's shape")
    return model


def _to_predict_in_float32(value: Any) -> Any:
    if isinstance(value, Mapping):
        if value.get("class_name") == "DTypePolicy":
            return "float32"
        return {
            key: "float32" if key == "dtype" and inner in _HALF else _to_predict_in_float32(inner)
            for key, inner in value.items()
            if key != COMPILED
        }
    return [_to_predict_in_float32(inner) for inner in value] if isinstance(value, list | tuple) else value
