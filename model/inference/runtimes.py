"""Ways to run a network: OpenVINO or TensorFlow or plain Keras, behind one small interface.

A precision or runtime that gives other answers than the network itself is never chosen on its own accord.
"""

import logging
import os
import platform
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from dataset.schema import HERO
from model.evaluation.metrics import predicted_mask
from model.inference.choices import DEVICES, RUNTIMES, Device, Runtime
from model.inference.sanity_inputs import sanity_frames

logger = logging.getLogger(__name__)

MEAN_DIFFERENCE = 0.5 / 255  # of all probabilities of a frame
HERO_DIFFERENCE = 0.02  # of the hero's pixels, those at the edge of the threshold


class RuntimeUnavailable(RuntimeError):
    """A runtime cannot be had here; the message says what to install or to choose."""


@dataclass(frozen=True)
class CompiledNetwork:
    """A network ready to run.

    Attributes:
        name: what runs it, for a person: "OpenVINO bfloat16".
        device: where: "Intel(R) Xeon(R) Processor, 2 threads".
        run: (n, rows, columns, 3) uint8 RGB -> (n, rows, columns, 3) float32. May be called from several threads.
    """

    name: str
    device: str
    run: Callable[[np.ndarray], np.ndarray]


def make_runtime(
    network: keras.Model, runtime: Runtime = "auto", device: Device = "auto", threads: int | None = None
) -> CompiledNetwork:
    """Compiles a network for what is here.

    `auto` takes TensorFlow where it sees a GPU, else OpenVINO, else TensorFlow; on Keras' other backends, Keras.

    Args:
        network: takes (n, rows, columns, 3) float32 RGB in 0..255.
        runtime: one of RUNTIMES.
        device: one of DEVICES.
        threads: CPU threads for OpenVINO; None lets it take all cores.

    Raises RuntimeUnavailable when the runtime or device asked for is not here, ValueError when there is no such one.
    """
    if runtime not in RUNTIMES:
        raise ValueError(f"expected a runtime of {', '.join(RUNTIMES)}, got {runtime!r}")
    if device not in DEVICES:
        raise ValueError(f"expected a device of {', '.join(DEVICES)}, got {device!r}")
    builders = {
        "openvino": lambda: _openvino(network, device, threads),
        "tensorflow": lambda: _tensorflow(network, device),
        "keras": lambda: _keras(network, device),
    }
    if runtime != "auto":
        return builders[runtime]()
    reasons = []
    for name in _preferred(device):
        try:
            return builders[name]()
        except RuntimeUnavailable as error:
            logger.info("not %s: %s", name, error)
            reasons.append(str(error))
    raise RuntimeUnavailable("; ".join(reasons))


def predictions_agree(reference: np.ndarray, other: np.ndarray) -> bool:
    """Whether two predictions, (n, rows, columns, 3), mean the same on each frame.

    That is: probabilities differ by no more than half a step of 8 bits on average, and the hero's mask by no more than
    2 % of its pixels (or two of them).
    """
    for expected, actual in zip(reference, other, strict=True):
        if not np.abs(expected - actual).mean() <= MEAN_DIFFERENCE:  # so that NaN is no agreement
            return False
        expected_hero, actual_hero = predicted_mask(expected)[..., HERO], predicted_mask(actual)[..., HERO]
        if np.count_nonzero(expected_hero != actual_hero) > max(HERO_DIFFERENCE * expected_hero.sum(), 2):
            return False
    return True


def _preferred(device: str) -> Iterable[str]:
    if keras.backend.backend() != "tensorflow":
        return ("keras",)
    if device == "gpu" or (device == "auto" and _tensorflow_gpus()):
        return ("tensorflow",)
    return ("openvino", "tensorflow")


def _openvino(network: keras.Model, device: str, threads: int | None) -> CompiledNetwork:
    """OpenVINO on the CPU, in the precision that is fastest with unchanged answers."""
    if device == "gpu":
        raise RuntimeUnavailable("the openvino runtime works on the CPU; choose the tensorflow runtime for a GPU")
    try:
        import openvino
    except ImportError as error:
        raise RuntimeUnavailable("OpenVINO is not installed: pip install openvino, or choose another") from error
    if keras.backend.backend() != "tensorflow":
        raise RuntimeUnavailable(
            f"OpenVINO takes networks from Keras on TensorFlow, but Keras runs on {keras.backend.backend()} here; "
            "unset KERAS_BACKEND or choose the keras runtime"
        )
    import tensorflow as tf

    try:
        graph = convert_to_openvino(network)
    except Exception as error:  # OpenVINO has a kind of its own for each way in which it fails
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise RuntimeUnavailable(
            f"OpenVINO cannot take this network over ({reason}), choose another runtime"
        ) from error
    probes = sanity_frames(network.input_shape[1:3])
    reference = _traced(network)(tf.constant(probes, tf.float32)).numpy()
    core = openvino.Core()

    def compiled(precision: str) -> Callable[[np.ndarray], np.ndarray]:
        hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": precision}
        if threads:
            hints["INFERENCE_NUM_THREADS"] = threads
        return core.compile_model(graph, "CPU", hints)

    best = compiled("f32")
    if not predictions_agree(reference, _openvino_run(best)(probes)):
        raise RuntimeUnavailable("OpenVINO gives other answers than the network itself, choose another runtime")
    name = "float32"
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):  # float16 would overflow where bfloat16 cannot
        shorter = compiled("bf16")
        run, reference_run = _openvino_run(shorter), _openvino_run(best)
        took, reference_took = _milliseconds((run, reference_run), probes[:1])
        unchanged = predictions_agree(reference, run(probes))
        logger.info(
            "OpenVINO takes %.1f ms a frame in bfloat16 (%s answers) and %.1f in float32",
            took,
            "unchanged" if unchanged else "other",
            reference_took,
        )
        if unchanged and took < reference_took:
            best, name = shorter, "bfloat16"
    used = best.get_property("INFERENCE_NUM_THREADS")
    cpu = core.get_property("CPU", "FULL_DEVICE_NAME").strip()
    return CompiledNetwork(f"OpenVINO {name}", f"{cpu}, {used} thread{'s' if used > 1 else ''}", _openvino_run(best))


def convert_to_openvino(network: keras.Model):
    """The network as an OpenVINO graph that takes uint8 frames in any number."""
    import openvino
    from openvino.preprocess import PrePostProcessor

    from model.inference.graph_rewrites import rewrite_for_cpu

    graph = openvino.convert_model(_traced(rewrite_for_cpu(network)))
    for shape_only in graph.outputs[1:]:  # the tracer leaves the sizes of upsampled layers behind as outputs
        graph.remove_result(shape_only.get_node())
    _softmax_by_plane(graph)
    preprocessor = PrePostProcessor(graph)
    preprocessor.input(0).tensor().set_element_type(openvino.Type.u8)
    return preprocessor.build()


def _softmax_by_plane(graph) -> None:
    """Takes the softmax before the channels are moved innermost, where it takes five times as long."""
    from openvino import opset13

    (result,) = graph.get_results()
    softmax = result.input_value(0).get_node()
    if softmax.get_type_name() != "Softmax" or softmax.get_attributes()["axis"] not in (-1, 3):
        return
    transpose = softmax.input_value(0).get_node()
    if transpose.get_type_name() == "Transpose" and transpose.input_value(1).get_node().get_data().tolist() == [
        0,
        2,
        3,
        1,
    ]:
        planes = opset13.softmax(transpose.input_value(0), 1)
        moved = opset13.transpose(planes, transpose.input_value(1))
        result.input(0).replace_source_output(moved.output(0))


def _traced(network: keras.Model):
    """The network as one TensorFlow function of (n, rows, columns, 3) float32 frames."""
    import tensorflow as tf

    signature = tf.TensorSpec((None, *network.input_shape[1:]), tf.float32)
    return tf.function(lambda frames: network(frames, training=False)).get_concrete_function(signature)


def _openvino_run(compiled) -> Callable[[np.ndarray], np.ndarray]:
    """One inference at a time: it uses every core already. Other Python threads go on meanwhile."""
    request, one_at_a_time = compiled.create_infer_request(), threading.Lock()

    def run(frames: np.ndarray) -> np.ndarray:
        with one_at_a_time:
            return request.infer([np.ascontiguousarray(frames)], share_inputs=True)[0]

    return run


def _tensorflow(network: keras.Model, device: str) -> CompiledNetwork:
    """TensorFlow's compiled graph, on its first GPU where there is one."""
    if keras.backend.backend() != "tensorflow":
        raise RuntimeUnavailable(
            f"the tensorflow runtime needs Keras on TensorFlow, but it runs on {keras.backend.backend()} here; "
            "unset KERAS_BACKEND or choose the keras runtime"
        )
    import tensorflow as tf

    gpus = [] if device == "cpu" else _tensorflow_gpus()
    if device == "gpu" and not gpus:
        raise RuntimeUnavailable("TensorFlow sees no GPU: install tensorflow[and-cuda] and a driver, or choose the CPU")

    @tf.function(input_signature=[tf.TensorSpec((None, *network.input_shape[1:]), tf.uint8)])
    def graph(frames):
        return network(tf.cast(frames, tf.float32), training=False)

    place = "/GPU:0" if gpus else "/CPU:0"

    def run(frames: np.ndarray) -> np.ndarray:
        with tf.device(place):
            return graph(tf.constant(frames)).numpy()

    where = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU") if gpus else _cpu()
    return CompiledNetwork("TensorFlow", where, run)


def _tensorflow_gpus() -> list:
    import tensorflow as tf

    return tf.config.list_physical_devices("GPU")


def _keras(network: keras.Model, device: str) -> CompiledNetwork:
    """Keras' own prediction, on whichever backend it runs and the device that backend prefers."""
    backend = keras.backend.backend()
    if device != "auto":
        raise RuntimeUnavailable(f"the keras runtime runs where {backend} prefers to: leave the device on auto")

    def run(frames: np.ndarray) -> np.ndarray:
        return np.asarray(network.predict_on_batch(frames.astype(np.float32)))

    return CompiledNetwork(f"Keras on {backend}", f"the device that {backend} prefers", run)


def _milliseconds(
    runs: Sequence[Callable[[np.ndarray], np.ndarray]], frame: np.ndarray, turns: int = 15
) -> list[float]:
    """How long one frame takes with each, at best: what else the machine does only ever adds, and they take turns."""
    took = np.empty((turns, len(runs)))
    for turn in range(turns):
        for number, run in enumerate(runs):
            start = time.perf_counter()
            run(frame)
            took[turn, number] = time.perf_counter() - start
    return (took.min(axis=0) * 1000).tolist()


def _cpu() -> str:
    return f"{platform.processor() or platform.machine()} CPU, {os.cpu_count()} cores"
