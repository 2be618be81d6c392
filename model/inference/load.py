"""Load a model for inference; importing this module imports neither Keras nor TensorFlow, which takes seconds."""

from typing import TYPE_CHECKING

from model.inference.choices import Device, Precision, Runtime
from model.inference.quiet_tensorflow import import_tensorflow_quietly

if TYPE_CHECKING:
    from model.inference.segmenter import Segmenter


def load_segmenter(
    weights: str,
    runtime: Runtime = "auto",
    device: Device = "auto",
    threads: int | None = None,
    precision: Precision = "fastest",
    for_agent: bool = False,
) -> "Segmenter":
    """Load a model for inference, `for_agent` one that gives background, people and hero.

    Raises as `Segmenter` and `AgentSegmenter` do.
    """
    import_tensorflow_quietly()
    from model.inference.agent_segmenter import AgentSegmenter
    from model.inference.segmenter import Segmenter
    from model.inference.tensorflow_runtime import hide_gpus

    if device == "cpu":
        hide_gpus()
    kind = AgentSegmenter if for_agent else Segmenter
    return kind(weights, runtime, device, threads, precision)
