"""Assign the weights of a Keras HDF5 file (any version, `save_weights` or `save`) to the variables of a built model.

Inside a layer, weights are matched by role (kernel, beta, ...), not by position: contrib.keras wrote batch
normalisation as beta, gamma, mean, variance, Keras as gamma, beta, mean, variance.
"""

import logging
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, takewhile
from typing import Any

import h5py
import keras
import numpy as np

logger = logging.getLogger(__name__)

Path = tuple[str, ...]  # names of a layer and of the models that it is nested in, the outermost first

# Names of the same role in other versions of Keras and in tf.layers.
_ROLES = {
    "W": "kernel",
    "weights": "kernel",
    "depthwise_weights": "depthwise_kernel",
    "pointwise_weights": "pointwise_kernel",
    "b": "bias",
    "biases": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",  # in Keras 1, of the variance
    "alphas": "alpha",
}
_KNOWN = {*_ROLES, *_ROLES.values(), "kernel", "gamma", "beta", "alpha"}
# "name/kernel:0", "name/kernel_1:0", Keras 1's "name_W:0".
_ROLE = re.compile(rf"(?:^|(?P<prefix>.*?)[/_])(?P<role>{'|'.join(sorted(_KNOWN, key=len, reverse=True))})(?:_\d+)?$")


class MismatchError(ValueError):
    """The file's weights are not those of the model; the message names the layer and the difference."""


@dataclass(frozen=True)
class StoredWeight:
    """A dataset of the file. `prefix` is the layer's name before the role, which may differ from the group's."""

    prefix: str
    role: str
    dataset: h5py.Dataset


# A weight's name for messages, its layer and variable, and the dataset with its values.
Assignment = list[tuple[str, keras.Layer, keras.Variable, h5py.Dataset]]


def layers_of_model(model: keras.Model) -> dict[Path, keras.Layer]:
    """Return the layers of a model, and of those that are nested in it."""
    found: dict[Path, keras.Layer] = {}
    for layer in model.layers:
        inner = layers_of_model(layer) if isinstance(layer, keras.Model) else {(): layer}
        found |= {(layer.name, *path): each for path, each in inner.items()}
    return found


def assign_weights(
    layers: Mapping[Path, keras.Layer], file: h5py.File, keras_version: str = "", frozen: Collection[Path] = ()
) -> None:
    """Assign the weights of an open file to those of a model's built layers, in the model's order, one to one.

    Layers are matched by name; where names differ, by order if number and shapes agree. `keras_version` is that of the
    architecture, for files without that attribute. `frozen` are the layers that were not trained. Raises MismatchError.
    """
    root = file["model_weights"] if isinstance(file.get("model_weights"), h5py.Group) else file
    if _text(root.attrs.get("backend", "tensorflow")) == "theano":
        raise MismatchError("the weights were written by Keras on Theano, whose convolutions have flipped kernels")
    stored = _read_groups(root)
    wanted: dict[str, dict[Path, keras.Layer]] = defaultdict(dict)  # by top-level layer, as in the file
    for path, layer in layers.items():
        if layer.weights:
            wanted[path[0]][path] = layer
    if not stored:
        raise MismatchError("the file holds no weights")
    if len(stored) != len(wanted):
        raise MismatchError(_count_mismatch(wanted, stored))
    orders = [list(zip(wanted, stored, strict=True))]
    if wanted.keys() == stored.keys():
        orders.insert(0, [(name, name) for name in wanted])
    else:
        logger.info("Layer names of weights and architecture differ; matching %d layers by order.", len(wanted))
    assignment = _first_match(orders, lambda ours, theirs: _match(wanted[ours], stored[theirs], theirs, frozen))
    keras1 = _text(root.attrs.get("keras_version", keras_version)).startswith("1")
    for name, layer, variable, dataset in assignment:
        variable.assign(_value(name, dataset, variable.shape, keras1, _is_transposed_kernel(layer, variable)))


def _first_match(orders: Iterable[list[tuple[Any, Any]]], match: Callable[[Any, Any], Assignment]) -> Assignment:
    """Match what each order pairs; return the result of the first order that fits. Raises the first MismatchError."""
    failures = []
    for order in orders:
        try:
            return [each for ours, theirs in order for each in match(ours, theirs)]
        except MismatchError as error:
            failures.append(error)
    raise failures[0]


def _count_mismatch(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> str:
    parts = [f"the architecture has {len(wanted)} layers with weights, the file {len(stored)}"]
    for ours, theirs, where in ((wanted, stored, "file"), (stored, wanted, "architecture")):
        if missing := [name for name in ours if name not in theirs]:
            parts.append(f"not in the {where}: {', '.join(missing[:5])}")
    return "; ".join(parts)


# --- reading the file


def _read_groups(root: h5py.Group) -> dict[str, list[StoredWeight]]:
    """Return weights by layer name, in the file's own order, without layers that have none."""
    names = _names(root, "layer_names") or [name for name in root if name != "optimizer_weights"]
    groups = {}
    for name in names:
        group = root.get(name)
        if not isinstance(group, h5py.Group):
            continue
        weights = [_stored_weight(group, path, name) for path in _names(group, "weight_names") or _datasets(group)]
        if weights:
            groups[name] = weights
    return groups


def _names(group: h5py.Group, attribute: str) -> list[str]:
    """Return the list of names in an attribute, which Keras splits into attribute0, attribute1, ... if it is long."""
    keys = [attribute] if attribute in group.attrs else (f"{attribute}{number}" for number in count())
    chunks = [group.attrs[key] for key in takewhile(group.attrs.__contains__, keys)]
    return [_text(name) for chunk in chunks for name in np.asarray(chunk).ravel()]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _datasets(group: h5py.Group) -> list[str]:
    found: list[str] = []
    group.visititems(lambda path, item: found.append(path) if isinstance(item, h5py.Dataset) else None)
    return found


def _stored_weight(group: h5py.Group, path: str, layer: str) -> StoredWeight:
    dataset = group.get(path)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:  # None: an empty dataset
        raise MismatchError(f"the weight {path!r} of the layer {layer!r} is listed but not in the file")
    if dataset.file.filename != group.file.filename or dataset.external or dataset.is_virtual:
        raise MismatchError(f"the weight {path!r} of the layer {layer!r} refers to another file, which is never read")
    return StoredWeight(*_role(path), dataset)


def _role(name: str) -> tuple[str, str]:
    """Return ('conv2d_3', 'kernel') for 'conv2d_3/kernel:0'; the role of an unknown name is its last part."""
    name = re.sub(r":\d+$", "", name)
    if match := _ROLE.match(name):
        return match["prefix"] or "", _ROLES.get(match["role"], match["role"])
    prefix, _, last = name.rpartition("/")
    return prefix, last


# --- matching


def _match(
    layers: Mapping[Path, keras.Layer], stored: Sequence[StoredWeight], group: str, frozen: Collection[Path]
) -> Assignment:
    """Match the weights of one top-level layer, or of the layers nested in it, with those of one group of the file."""
    if len(layers) == 1:
        return _match_layer(*next(iter(layers.items())), stored, group)
    prefixes: dict[str, list[StoredWeight]] = defaultdict(list)
    for each in stored:
        prefixes[each.prefix].append(each)
    if len(prefixes) != len(layers):
        raise MismatchError(
            f"the nested model {group!r} has {len(layers)} layers with weights, the file {len(prefixes)}"
        )
    by_name = {prefix.rpartition("/")[2]: prefix for prefix in prefixes}
    if len(by_name) == len(layers) and set(by_name) == {path[-1] for path in layers}:
        orders = [[(path, by_name[path[-1]]) for path in layers]]
    else:
        # Keras 2 lists a nested model's trainable weights before the frozen ones.
        frozen_last = sorted(layers, key=lambda path: path in frozen)
        orders = [list(zip(order, prefixes, strict=True)) for order in (list(layers), frozen_last)]
    return _first_match(orders, lambda path, theirs: _match_layer(path, layers[path], prefixes[theirs], group))


def _match_layer(path: Path, layer: keras.Layer, stored: Sequence[StoredWeight], group: str) -> Assignment:
    name = "/".join(path)
    where = f"the layer {name!r}" + ("" if group == name else f" (in the file: {group!r})")
    by_role = {each.role: each for each in stored}
    if "kernel" not in by_role and "pointwise_kernel" not in by_role and "depthwise_kernel" in by_role:
        by_role["kernel"] = by_role.pop("depthwise_kernel")
    roles = [_role(variable.name)[1] for variable in layer.weights]
    surplus = {role for role in by_role if not role.startswith("renorm")} - set(roles)
    if set(roles) <= set(by_role) and not surplus:
        stored = [by_role[role] for role in roles]
    elif len(roles) != len(stored) or isinstance(layer, keras.layers.BatchNormalization) or surplus & _KNOWN:
        raise MismatchError(f"{where} needs {', '.join(roles)}, but the file holds {', '.join(by_role)} for it")
    assignment = []
    for role, variable, each in zip(roles, layer.weights, stored, strict=True):
        shape = tuple(variable.shape)
        shapes = [shape, (*shape[:2], *shape[:1:-1])] if _is_transposed_kernel(layer, variable) else [shape]
        if each.dataset.shape not in shapes:
            raise MismatchError(f"{where} needs a {role} of shape {shape}, but the file holds {each.dataset.shape}")
        assignment.append((f"{role} of the layer {name!r}", layer, variable, each.dataset))
    return assignment


def _is_transposed_kernel(layer: keras.Layer, variable: keras.Variable) -> bool:
    return isinstance(layer, keras.layers.Conv2DTranspose) and len(variable.shape) == 4


def _value(
    name: str, dataset: h5py.Dataset, shape: tuple[int, ...], keras1: bool, is_transposed_kernel: bool
) -> np.ndarray:
    if dataset.dtype.kind not in "fiu":
        raise MismatchError(f"the {name} is stored as {dataset.dtype}, not as numbers")
    value = np.asarray(dataset[()], dtype=np.float32)
    if is_transposed_kernel:
        # Keras 1 stored (rows, columns, in, out), Keras 2 stores (rows, columns, out, in).
        ambiguous = value.shape[2] == value.shape[3]
        if keras1 if ambiguous else value.shape != tuple(shape):
            value = np.swapaxes(value, 2, 3)
    if not np.isfinite(value).all():
        raise MismatchError(f"the {name} holds NaN or infinite numbers: the training that wrote it diverged")
    return value
