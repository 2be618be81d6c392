"""Runtimes and devices that a person can choose. Light to import: no Keras, no TensorFlow."""

from typing import Literal, get_args

Runtime = Literal["auto", "openvino", "tensorflow", "keras"]
Device = Literal["auto", "cpu", "gpu"]
RUNTIMES: tuple[Runtime, ...] = get_args(Runtime)
DEVICES: tuple[Device, ...] = get_args(Device)
