"""Writes files of weights as PyTorch 1.5 does, without PyTorch."""

import pickle
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest


class Storage:
    def __init__(self, name, numbers):
        self.name, self.numbers = name, numbers


class Tensor:
    def __init__(self, storage, array):
        self.arguments = (storage, 0, array.shape, tuple(stride // array.itemsize for stride in array.strides))

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, (*self.arguments, False, OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, each):
        if not isinstance(each, Storage):
            return None
        kind = "FloatStorage" if each.numbers.dtype == np.float32 else "LongStorage"
        return "storage", getattr(sys.modules["torch"], kind), each.name, "cpu", each.numbers.size, None


def write_torch_file(path: Path, arrays: dict[str, np.ndarray], begin: int = 0x1950A86A20F9469CFC6C) -> Path:
    """Write arrays, whose memory may be in any order, and each of which owns it."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")

    def _rebuild_tensor_v2():
        raise NotImplementedError

    for module, value in [(utils, _rebuild_tensor_v2)] + [
        (torch, type(name, (), {})) for name in ("FloatStorage", "LongStorage")
    ]:
        value.__module__, value.__qualname__ = module.__name__, value.__name__
        setattr(module, value.__name__, value)
    storages = [Storage(str(1000 - n), each.ravel(order="K")) for n, each in enumerate(arrays.values())]
    tensors = OrderedDict((name, Tensor(s, each)) for s, (name, each) in zip(storages, arrays.items(), strict=True))
    with pytest.MonkeyPatch.context() as patch, path.open("wb") as file:
        patch.setitem(sys.modules, "torch", torch)
        patch.setitem(sys.modules, "torch._utils", utils)
        for each in (begin, 1001, {"little_endian": True}):
            pickle.dump(each, file, protocol=2)
        Pickler(file, protocol=2).dump(tensors)
        pickle.dump([each.name for each in storages], file, protocol=2)
        for each in storages:
            file.write(struct.pack("<q", each.numbers.size) + each.numbers.tobytes())
    return path
