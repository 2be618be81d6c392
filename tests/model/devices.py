"""Devices that this machine may lack: a CPU that is fast in bfloat16, an Intel GPU. Its CPU does their work."""

import pytest

from model.inference import openvino_runtime  # before openvino: it switches telemetry off

import openvino  # isort: skip


class WithBfloat16(openvino.Core):
    def get_property(self, device, name):
        found = super().get_property(device, name)
        return [*found, "BF16"] if name == "OPTIMIZATION_CAPABILITIES" else found


def pretend_fast_bfloat16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "Core", WithBfloat16)
    monkeypatch.setattr(openvino_runtime, "_milliseconds", lambda functions, frame: [2.0, 1.0])


class WithGpu(openvino.Core):
    @property
    def available_devices(self):
        return ["CPU", "GPU.0"]

    def compile_model(self, model, device, hints):
        if device == "GPU":
            assert not model.input(0).partial_shape.is_dynamic
            hints = hints | {"INFERENCE_PRECISION_HINT": "f32"}
        return super().compile_model(model, "CPU", hints)

    def get_property(self, device, name):
        if device == "GPU":
            return {"OPTIMIZATION_CAPABILITIES": ["FP16"], "FULL_DEVICE_NAME": "Pretended GPU"}[name]
        return super().get_property(device, name)


def pretend_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino, "Core", WithGpu)
    monkeypatch.setattr(openvino_runtime, "_milliseconds", lambda functions, frame: [2.0, 1.0])
