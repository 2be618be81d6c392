"""Read the arrays in a PyTorch file of weights, as PyTorch saved them before version 1.6, without PyTorch.

Such a file is a row of pickles: a magic number, a version, the machine's properties, the weights without their numbers,
and the names of the storages; the numbers of each storage follow. Nothing in a file is executed: a pickle that asks for
anything but arrays is refused.
"""

import pickle
import struct
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np

MAGIC_NUMBER = 0x1950A86A20F9469CFC6C
STORAGES: dict[str, np.dtype[Any]] = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class Tensor(NamedTuple):
    """Which numbers of a storage an array has."""

    storage: str
    offset: int
    shape: Sequence[int]
    strides: Sequence[int]  # in numbers


def read_torch_file(path: Path) -> dict[str, np.ndarray]:
    """Return the arrays of a state dictionary by name. Raises ValueError for anything else."""
    try:
        with path.open("rb") as file:
            if _Unpickler(file, {}).load() != MAGIC_NUMBER:
                raise ValueError("it does not begin with PyTorch's magic number")
            for _ in ("version", "machine"):
                _Unpickler(file, {}).load()
            dtypes: dict[str, np.dtype[Any]] = {}
            tensors, names = _Unpickler(file, dtypes).load(), _Unpickler(file, {}).load()
            storages = {name: _read_storage(file, dtypes[name]) for name in names}
        if not isinstance(tensors, Mapping):
            raise ValueError("it holds no dictionary of weights")
        return {name: _array(tensor, storages) for name, tensor in tensors.items()}
    except (pickle.UnpicklingError, EOFError, struct.error, LookupError, TypeError, AttributeError) as error:
        raise ValueError(f"{error}") from error


class _Unpickler(pickle.Unpickler):
    """Knows arrays only; notes the types of storages by name."""

    def __init__(self, file: BinaryIO, dtypes: dict[str, np.dtype[Any]]) -> None:
        super().__init__(file)
        self._dtypes = dtypes

    def find_class(self, module: str, name: str) -> Any:
        match module, name:
            case "collections", "OrderedDict":
                return OrderedDict
            case "torch._utils", "_rebuild_tensor_v2":
                return _tensor
            case "torch", _ if name in STORAGES:
                return partial(str, name)
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is no array of numbers")

    def persistent_load(self, pid: Any) -> str:
        _, kind, name, *_ = pid
        self._dtypes[name] = STORAGES[kind()]
        return str(name)


def _tensor(storage: str, offset: int, shape: Sequence[int], strides: Sequence[int], *_: Any) -> Tensor:
    return Tensor(storage, offset, shape, strides)


def _read_storage(file: BinaryIO, dtype: np.dtype[Any]) -> np.ndarray:
    (count,) = struct.unpack("<q", file.read(8))
    return np.frombuffer(file.read(count * dtype.itemsize), dtype, count)


def _array(tensor: Tensor, storages: Mapping[str, np.ndarray]) -> np.ndarray:
    index = np.full(tuple(tensor.shape), tensor.offset)
    for axis, (size, stride) in enumerate(zip(tensor.shape, tensor.strides, strict=True)):
        steps = np.arange(size) * stride
        index += steps.reshape([size if each == axis else 1 for each in range(index.ndim)])
    return storages[tensor.storage][index]
