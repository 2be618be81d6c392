"""Puts the weights of a Keras HDF5 file (any version, `save_weights` or `save`) into the variables of a built model.

Weights are matched by what they are called (kernel, beta, ...), not by their position inside a layer: contrib.keras
wrote batch normalisation as beta, gamma, mean, variance, Keras as gamma, beta, mean, variance. It builds no layers.
"""

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import h5py
import keras
import numpy as np

logger = logging.getLogger(__name__)

# What the versions of Keras and tf.layers called the same thing.
_ROLES = {
    "W": "kernel",
    "weights": "kernel",
    "depthwise_weights": "depthwise_kernel",
    "pointwise_weights": "pointwise_kernel",
    "b": "bias",
    "biases": "bias",
    "running_mean": "moving_mean",
    "running_std": "moving_variance",  # Keras 1 called the variance so
    "alphas": "alpha",
}
_KNOWN = {*_ROLES, *_ROLES.values(), "kernel", "gamma", "beta", "alpha"}
# "name/kernel:0", "name/kernel_1:0", Keras 1's "name_W:0".
_ROLE = re.compile(rf"(?:^|(?P<prefix>.*?)[/_])(?P<role>{'|'.join(sorted(_KNOWN, key=len, reverse=True))})(?:_\d+)?$")


class MismatchError(ValueError):
    """The file's weights are not those of the model; the message says which layer differs and how."""


@dataclass(frozen=True)
class Slot:
    """One variable of the model that wants a value. `layer` is a path of names, more than one inside a nested model."""

    layer: tuple[str, ...]
    role: str
    variable: keras.Variable
    layer_class: str
    trainable: bool


@dataclass(frozen=True)
class StoredWeight:
    """One dataset of the file; `prefix` is the layer's name before the role (may differ from the group's)."""

    prefix: str
    role: str
    dataset: h5py.Dataset


Slots = Mapping[str, Sequence[Slot]]
Pairs = Sequence[tuple]  # (ours, theirs): keys of what shall be matched
Assignment = list[tuple[Slot, StoredWeight]]


def layer_slots(layer: keras.layers.Layer, path: tuple[str, ...], trainable: bool = True) -> list[Slot]:
    """The variables of one built layer; `path` is what its configuration calls it, `trainable` what that says."""
    return [Slot(path, _role(v.name)[1], v, type(layer).__name__, trainable) for v in layer.weights]


def model_slots(model: keras.Model) -> dict[str, list[Slot]]:
    """The variables of a Keras 3 model, by top-level layer."""
    return {layer.name: _nested_slots(layer, (layer.name,)) for layer in model.layers}


def _nested_slots(layer: keras.layers.Layer, path: tuple[str, ...]) -> list[Slot]:
    if isinstance(layer, keras.Model):
        return [slot for inner in layer.layers for slot in _nested_slots(inner, (*path, inner.name))]
    return layer_slots(layer, path, layer.trainable)


def assign_weights(slots: Slots, file: h5py.File, keras_version: str = "") -> None:
    """Fill every variable of `slots` (top-level layer name -> variables, in the model's order) from an open file.

    Layers are matched by name; where names differ, by order if number and shapes agree. `keras_version` is what the
    architecture says wrote it, for files that do not say so themselves. Raises MismatchError.
    """
    root = file["model_weights"] if isinstance(file.get("model_weights"), h5py.Group) else file
    if _text(root.attrs.get("backend", "tensorflow")) == "theano":
        raise MismatchError("the weights were written by Keras on Theano, whose convolutions run the other way round")
    stored = _read_groups(root)
    wanted = {name: group for name, group in slots.items() if group}
    if not stored:
        raise MismatchError("the file holds no weights")
    if len(stored) != len(wanted):
        raise MismatchError(_count_mismatch(wanted, stored))
    by_name = [(name, name) for name in wanted if name in stored]
    by_order = list(zip(wanted, stored, strict=True))
    if len(by_name) < len(wanted):
        logger.info("Layer names of weights and architecture differ; matching %d layers by order.", len(wanted))
    assignment = _first_match(
        lambda pairs: [pair for ours, theirs in pairs for pair in _match(wanted[ours], stored[theirs], theirs)],
        [by_name, by_order] if len(by_name) == len(wanted) else [by_order],
    )
    keras1 = _text(root.attrs.get("keras_version", keras_version)).startswith("1")
    for slot, weight in assignment:
        slot.variable.assign(_value(slot, weight, keras1))


def _first_match(match: Callable[[Pairs], Assignment], candidates: Sequence[Pairs]) -> Assignment:
    """What the first candidate that matches gives; the first one's error if none does."""
    failures = []
    for pairs in candidates:
        try:
            return match(pairs)
        except MismatchError as error:
            failures.append(error)
    raise failures[0]


def _count_mismatch(wanted: Mapping, stored: Mapping) -> str:
    missing = [name for name in wanted if name not in stored]
    surplus = [name for name in stored if name not in wanted]
    parts = [f"the architecture has {len(wanted)} layers with weights, the file {len(stored)}"]
    if missing:
        parts.append(f"not in the file: {', '.join(missing[:5])}")
    if surplus:
        parts.append(f"not in the architecture: {', '.join(surplus[:5])}")
    return "; ".join(parts)


# --- reading the file


def _read_groups(root: h5py.Group) -> dict[str, list[StoredWeight]]:
    """Layer name -> weights, in the file's own order; layers without weights are left out."""
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
    """A list of names kept in an attribute, which Keras splits into attribute0, attribute1, ... when it is long."""
    if attribute in group.attrs:
        chunks = [group.attrs[attribute]]
    else:
        chunks = []
        while (key := f"{attribute}{len(chunks)}") in group.attrs:
            chunks.append(group.attrs[key])
    return [_text(name) for chunk in chunks for name in np.asarray(chunk).ravel()]


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _datasets(group: h5py.Group) -> list[str]:
    found: list[str] = []
    group.visititems(lambda path, item: found.append(path) if isinstance(item, h5py.Dataset) else None)
    return found


def _stored_weight(group: h5py.Group, path: str, layer: str) -> StoredWeight:
    dataset = group.get(path)
    if not isinstance(dataset, h5py.Dataset) or dataset.shape is None:  # None: a place without a value
        raise MismatchError(f"the weight {path!r} of the layer {layer!r} is listed but not in the file")
    if dataset.file.filename != group.file.filename or dataset.external or dataset.is_virtual:
        raise MismatchError(f"the weight {path!r} of the layer {layer!r} points to another file, which is not followed")
    return StoredWeight(*_role(path), dataset)


def _role(name: str) -> tuple[str, str]:
    """('conv2d_3', 'kernel') from 'conv2d_3/kernel:0' and its like; unknown names keep their last part as the role."""
    name = re.sub(r":\d+$", "", name)
    if match := _ROLE.match(name):
        return match["prefix"] or "", _ROLES.get(match["role"], match["role"])
    prefix, _, last = name.rpartition("/")
    return prefix, last


# --- matching


def _match(slots: Sequence[Slot], weights: Sequence[StoredWeight], group: str) -> Assignment:
    """Pair the variables of one top-level layer, possibly a nested model, with the weights of one group of the file."""
    layers: dict[tuple[str, ...], list[Slot]] = {}
    for slot in slots:
        layers.setdefault(slot.layer, []).append(slot)
    if len(layers) == 1:
        return _match_layer(slots, weights, group)
    prefixes: dict[str, list[StoredWeight]] = {}
    for weight in weights:
        prefixes.setdefault(weight.prefix, []).append(weight)
    if len(prefixes) != len(layers):
        raise MismatchError(
            f"the nested model {group!r} has {len(layers)} layers with weights, the file {len(prefixes)}"
        )
    by_name = {prefix.rpartition("/")[2]: prefix for prefix in prefixes}
    if len(by_name) == len(layers) and set(by_name) == {path[-1] for path in layers}:
        orders = [[(path, by_name[path[-1]]) for path in layers]]
    else:
        # Keras 2 lists a nested model's trainable weights before the frozen ones.
        frozen_last = sorted(layers, key=lambda path: not layers[path][0].trainable)
        orders = [list(zip(order, prefixes, strict=True)) for order in (list(layers), frozen_last)]
    return _first_match(
        lambda pairs: [pair for ours, theirs in pairs for pair in _match_layer(layers[ours], prefixes[theirs], group)],
        orders,
    )


def _match_layer(slots: Sequence[Slot], weights: Sequence[StoredWeight], group: str) -> Assignment:
    layer = "/".join(slots[0].layer)
    where = f"the layer {layer!r}" + ("" if group == layer else f" (in the file: {group!r})")
    by_role = {weight.role: weight for weight in weights}
    if "kernel" not in by_role and "pointwise_kernel" not in by_role and "depthwise_kernel" in by_role:
        by_role["kernel"] = by_role.pop("depthwise_kernel")
    surplus = {role for role in by_role if not role.startswith("renorm")} - {slot.role for slot in slots}
    if all(slot.role in by_role for slot in slots) and not surplus:
        pairs = [(slot, by_role[slot.role]) for slot in slots]
    elif len(slots) == len(weights) and slots[0].layer_class != "BatchNormalization" and not surplus & _KNOWN:
        pairs = list(zip(slots, weights, strict=True))
    else:
        raise MismatchError(
            f"{where} wants {', '.join(slot.role for slot in slots)}, but the file holds {', '.join(by_role)} for it"
        )
    for slot, weight in pairs:
        if not _fits(slot, weight):
            raise MismatchError(
                f"{where} wants a {slot.role} of shape {tuple(slot.variable.shape)}, "
                f"but the file holds {tuple(weight.dataset.shape)}"
            )
    return pairs


def _fits(slot: Slot, weight: StoredWeight) -> bool:
    shape, stored = tuple(slot.variable.shape), tuple(weight.dataset.shape)
    return stored == shape or (_is_transposed_kernel(slot) and stored == (*shape[:2], shape[3], shape[2]))


def _is_transposed_kernel(slot: Slot) -> bool:
    return slot.layer_class == "Conv2DTranspose" and slot.role == "kernel"


def _value(slot: Slot, weight: StoredWeight, keras1: bool) -> np.ndarray:
    name = f"{slot.role} of the layer {'/'.join(slot.layer)!r}"
    if weight.dataset.dtype.kind not in "fiu":
        raise MismatchError(f"the {name} is stored as {weight.dataset.dtype}, not as numbers")
    value = np.asarray(weight.dataset[()], dtype=np.float32)
    if _is_transposed_kernel(slot):
        # Keras 1 kept (rows, cols, in, out) where Keras 2 keeps (rows, cols, out, in).
        ambiguous = value.shape[2] == value.shape[3]
        if keras1 if ambiguous else value.shape != tuple(slot.variable.shape):
            value = np.swapaxes(value, 2, 3)
    if not np.isfinite(value).all():
        raise MismatchError(f"the {name} holds NaN or infinite numbers: the training that made it diverged")
    return value
