"""Writes a network in the formats of other runtimes, and runs what was written. Needs Keras on TensorFlow.

Each writer returns the artefact as a runtime of its own sees it, so that what is checked is what was written.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np

from model.inference.quiet_tensorflow import suppressed_stderr

Run = Callable[[np.ndarray], np.ndarray]
"""(1, rows, columns, 3) uint8 RGB -> (1, rows, columns, 3) float32 probabilities."""

THREADS = os.cpu_count() or 1


@dataclass(frozen=True)
class Artefact:
    """What was written, and how it runs."""

    files: tuple[Path, ...]
    takes: str  # its input, for a person
    run: Run

    @property
    def megabytes(self) -> float:
        """Size on disk."""
        paths = [each for file in self.files for each in ([file] if file.is_file() else file.rglob("*"))]
        return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def saved_model(network: keras.Model, stem: Path, calibration: np.ndarray) -> Artefact:
    """TensorFlow's own format: a folder, for TensorFlow Serving and C++."""
    import tensorflow as tf

    folder = stem.with_name(f"{stem.name}_saved_model")
    with suppressed_stderr():  # converters report every step
        network.export(str(folder), format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(str(folder))
    return Artefact((folder,), "float32, any number", lambda frames: loaded.serve(frames.astype(np.float32)).numpy())


def litert(network: keras.Model, stem: Path, calibration: np.ndarray) -> Artefact:
    """LiteRT (TensorFlow Lite) in float32, one frame at a time: phones and small boards."""
    return _litert(network, stem.with_name(f"{stem.name}.tflite"), "float32, one frame")


def litert_int8(network: keras.Model, stem: Path, calibration: np.ndarray) -> Artefact:
    """LiteRT in 8-bit integers: scales come from `calibration` frames, (n, rows, columns, 3) uint8."""
    import tensorflow as tf

    return _litert(
        network,
        stem.with_name(f"{stem.name}_int8.tflite"),
        "uint8, one frame",
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([frame[None].astype(np.float32)] for frame in calibration),
        target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]),
        inference_input_type=tf.uint8,
    )


def onnx(network: keras.Model, stem: Path, calibration: np.ndarray) -> Artefact:
    """ONNX: ONNX Runtime, TensorRT, Windows ML and others."""
    import onnxruntime

    path = stem.with_name(f"{stem.name}.onnx")
    with suppressed_stderr():  # converters report every step
        network.export(str(path), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return Artefact(
        (path,), "float32, any number", lambda frames: session.run(None, {name: frames.astype(np.float32)})[0]
    )


def openvino(network: keras.Model, stem: Path, calibration: np.ndarray) -> Artefact:
    """OpenVINO's own format, two files: Intel's CPUs, GPUs and NPUs."""
    import openvino as runtime

    from model.inference.openvino_runtime import convert_to_openvino

    path = stem.with_name(f"{stem.name}.xml")
    graph = convert_to_openvino(network)
    runtime.save_model(graph, path, compress_to_fp16=False)
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = runtime.Core().compile_model(path, "CPU", hints)
    return Artefact((path, path.with_suffix(".bin")), "uint8, any number", lambda frames: compiled([frames])[0])


FORMATS: dict[str, Callable[[keras.Model, Path, np.ndarray], Artefact]] = {
    each.__name__: each for each in (saved_model, litert, litert_int8, onnx, openvino)
}


def _litert(network: keras.Model, path: Path, takes: str, **settings: object) -> Artefact:
    import tensorflow as tf
    from ai_edge_litert.interpreter import Interpreter

    one_frame = tf.TensorSpec((1, *network.input_shape[1:]), tf.float32)
    with tempfile.TemporaryDirectory() as folder, suppressed_stderr():
        archive = keras.export.ExportArchive()
        archive.track(network)
        archive.add_endpoint("serve", lambda frames: network(frames, training=False), input_signature=[one_frame])
        archive.write_out(folder, verbose=False)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        for name, value in settings.items():
            setattr(converter, name, value)
        path.write_bytes(converter.convert())
        interpreter = Interpreter(model_path=str(path), num_threads=THREADS)
        interpreter.allocate_tensors()
    given, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def run(frames: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(given["index"], frames.astype(given["dtype"]))
        interpreter.invoke()
        return interpreter.get_tensor(result["index"])

    return Artefact((path,), takes, run)
