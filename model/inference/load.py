"""Load a model for inference; importing this module imports neither Keras nor TensorFlow, which takes seconds."""

from typing import TYPE_CHECKING

from model.inference.choices import Device, Precision, Runtime
from model.inference.quiet_tensorflow import import_tensorflow_quietly

if TYPE_CHECKING:
    from model.inference.agent_segmenter import AgentSegmenter
    from model.inference.segmenter import Segmenter


def load_segmenter(
    weights: str,
    runtime: Runtime = "auto",
    device: Device = "auto",
    threads: int | None = None,
    precision: Precision = "fastest",
) -> "Segmenter":
    """Load a model for inference. Raises as `Segmenter` does."""
    _prepare(device)
    from model.inference.segmenter import Segmenter

    return Segmenter(weights, runtime, device, threads, precision)


def load_agent_segmenter(
    weights: str,
    runtime: Runtime = "auto",
    device: Device = "auto",
    threads: int | None = None,
    precision: Precision = "fastest",
) -> "AgentSegmenter":
    """Load a model that gives background, people and hero. Raises as `AgentSegmenter` does."""
    _prepare(device)
    from model.inference.agent_segmenter import AgentSegmenter

    return AgentSegmenter(weights, runtime, device, threads, precision)


def _prepare(device: Device) -> None:
    """Import TensorFlow, and hide the GPUs from it if they are not wanted."""
    import_tensorflow_quietly()
    from model.inference.tensorflow_runtime import hide_gpus

    if device == "cpu":
        hide_gpus()
