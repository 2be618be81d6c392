"""A CPU that is fast in bfloat16, or says so."""

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
