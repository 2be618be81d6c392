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
) -> "Segmenter":
    """Load a model for inference. Raises as `Segmenter` does."""
    import_tensorflow_quietly()
    from model.inference.segmenter import Segmenter

    return Segmenter(weights, runtime, device, threads, precision)
