"""Read the configuration of a 2017 model: JSON of Keras 1 or 2, functional, Sequential or nested."""

import json
import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from model.legacy.arguments import LegacyError

logger = logging.getLogger(__name__)

DEFAULT_SIZE = 160  # to which the original project resized images, for networks that take any size
MODEL_CLASSES = ("Model", "Functional", "Sequential")
Spec = Mapping[str, Any]  # class_name and config of a layer or of a model, and perhaps name and inbound_nodes
Triple = tuple[str, int, int]  # layer, node (its how-manyth use), index of the tensor in that use's output


@dataclass(frozen=True)
class Graph:
    """Layers of a model, in the configuration's order and without inputs, and each use of one on others' outputs."""

    name: str
    layers: dict[str, Spec]
    uses: dict[tuple[str, int], list[Triple]]  # layer and node -> what it is applied to
    inputs: list[Triple]
    outputs: list[Triple]


def read_architecture(text: str | bytes) -> dict[str, Any]:
    """Return the configuration; `text` is JSON, possibly inside a JSON string. Raises LegacyError.

    Whole numbers become integers, even if written as floats: TensorFlow took `filters: 32.0`, Keras 3 does not.
    """
    value: Any = text
    try:
        for _ in range(3):
            if isinstance(value, str | bytes):
                value = json.loads(value, parse_float=_read_float)
    except (ValueError, RecursionError) as error:
        raise LegacyError(f"the configuration is not JSON ({error})") from error
    if not isinstance(value, dict) or "class_name" not in value or "config" not in value:
        raise LegacyError("the configuration does not describe a Keras model (no class_name and config in it)")
    if value["class_name"] not in MODEL_CLASSES:
        raise LegacyError(f"the configuration describes a {value['class_name']!r}, not a Model or Sequential")
    return value


def _read_float(digits: str) -> int | float:
    number = float(digits)
    return int(number) if number.is_integer() else number


def keras_version(architecture: Spec) -> str:
    """Return the version of Keras that wrote a configuration; without one, "1" or "2" by the names of arguments."""
    return str(architecture.get("keras_version") or ("1" if "nb_filter" in json.dumps(architecture) else "2"))


def bilinear_is_tf1(keras_version: str) -> bool:
    """Return whether bilinear upsampling was without half-pixel centres in this version of Keras.

    They came with TensorFlow 1.14, whose Keras is 2.2.4-tf, and to Keras itself with TensorFlow 2.
    """
    numbers = tuple(int(n) for n in re.findall(r"\d+", keras_version)[:3])
    return not (keras_version.endswith("-tf") and numbers >= (2, 2, 4)) and not numbers >= (2, 4)


def read_graph(spec: Spec) -> Graph:
    """Return the graph of a model, without that of models nested in it. Raises LegacyError."""
    config = spec["config"]
    return _read_sequential(config) if spec["class_name"] == "Sequential" else _read_functional(config)


def _read_sequential(config: Any) -> Graph:
    specs = config["layers"] if isinstance(config, Mapping) else config
    name = config.get("name", "sequential") if isinstance(config, Mapping) else "sequential"
    graph = Graph(name, {}, {}, [("", 0, 0)], [])
    source = graph.inputs[0]
    for spec in specs:
        if spec["class_name"] == "InputLayer":
            continue
        layer = _layer_name(spec)
        if layer in graph.layers:
            layer = f"{layer}_{len(graph.layers)}"
        graph.layers[layer] = spec
        graph.uses[layer, 0] = [source]
        source = (layer, 0, 0)
    graph.outputs.append(source)
    return graph


def _read_functional(config: Spec) -> Graph:
    specs = {_layer_name(spec): spec for spec in config["layers"]}
    if len(specs) < len(config["layers"]):
        raise LegacyError("two layers of the configuration have the same name")
    layers = {name: spec for name, spec in specs.items() if spec["class_name"] != "InputLayer"}
    inputs, outputs = _read_triples(config["input_layers"]), _read_triples(config["output_layers"])
    nodes = {name: [_read_sources(node, name) for node in spec["inbound_nodes"]] for name, spec in layers.items()}
    references = [triple for sources in nodes.values() for node in sources for triple in node] + outputs
    uses: dict[tuple[str, int], list[Triple]] = {}
    for name, spec in layers.items():
        first = 0
        if spec["class_name"] in MODEL_CLASSES:
            # In Keras 2 the definition of a nested model is its use 0, the first call is use 1.
            first = min((node for layer, node, _ in references if layer == name), default=0)
        uses |= {(name, number): sources for number, sources in enumerate(nodes[name], first)}
    return Graph(config.get("name", "model"), layers, uses, inputs, outputs)


def _read_sources(node: Any, layer: str) -> list[Triple]:
    """Return the sources of one use of a layer. Raises LegacyError for call arguments that matter at inference."""
    if isinstance(node, Mapping):
        raise LegacyError(f"the layer {layer!r} is connected in Keras 3 style inside an older configuration")
    for item in node:
        arguments = item[3] if isinstance(item, list) and len(item) > 3 else {}
        unknown = {key for key, value in arguments.items() if value is not None} - {"training", "mask"}
        if unknown:
            raise LegacyError(f"the layer {layer!r} is called with unknown arguments: {', '.join(sorted(unknown))}")
    return _read_triples(node)


def _read_triples(value: Any) -> list[Triple]:
    """Return a list of triples from a list of such lists, or from a single one."""
    if value and isinstance(value[0], str):
        value = [value]
    return [(str(item[0]), int(item[1]), int(item[2])) for item in value]


def _layer_name(spec: Spec) -> str:
    """Return the name of a layer; a Sequential inside a Sequential of Keras 2.0 has none but its class."""
    config = spec["config"]
    return str(spec.get("name") or (isinstance(config, Mapping) and config.get("name")) or spec["class_name"])


def input_size(architecture: Spec) -> tuple[int, int]:
    """Return (rows, columns) of the images that a model takes; DEFAULT_SIZE if any. Raises LegacyError."""
    shape = _input_shape(architecture)
    if shape is None:
        raise LegacyError("the configuration does not contain the input's shape")
    if len(shape) != 4 or shape[3] != 3:
        raise LegacyError(f"the input's shape is {tuple(shape)}; expected (batch, rows, columns, 3)")
    if not all(size is None or (isinstance(size, int) and size > 0) for size in shape[1:3]):
        raise LegacyError(f"the input's shape is {tuple(shape)}; rows and columns must be positive")
    if None in shape[1:3]:
        logger.info("The model takes images of any size; it will be used at %d x %d.", DEFAULT_SIZE, DEFAULT_SIZE)
    return shape[1] or DEFAULT_SIZE, shape[2] or DEFAULT_SIZE


def _input_shape(spec: Spec) -> list[Any] | None:
    config = spec["config"]
    own = config if isinstance(config, Mapping) else {}
    for key in ("batch_input_shape", "batch_shape"):
        if own.get(key):
            return list(own[key])
    if own.get("input_shape"):
        return [None, *own["input_shape"]]
    if spec["class_name"] == "Sequential":
        specs = own["layers"] if own else config
        return _input_shape(specs[0]) if specs else None
    if spec["class_name"] in MODEL_CLASSES:
        names = [name for name, _, _ in _read_triples(own["input_layers"])]
        if len(names) != 1:
            raise LegacyError(f"the model takes {len(names)} inputs; expected one image")
        return next((_input_shape(layer) for layer in own["layers"] if _layer_name(layer) == names[0]), None)
    return None
