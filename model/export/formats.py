"""Write a network in the formats of other runtimes, and run what was written. Needs Keras on TensorFlow.

Each function below writes one format and returns the artefact as its own runtime loads it, so that exactly the written
files are checked. Libraries are imported only where a format needs them.
"""

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from model.inference.quiet_tensorflow import suppressed_stderr

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Artefact:
    """Files of one format, and a function that runs them.

    `predict` maps (n, rows, columns, 3) uint8 RGB to (n, rows, columns, classes) probabilities, float32; n
    as in `input`.
    """

    files: tuple[Path, ...]  # or folders
    input: str  # type and batch size that the network takes, for display
    predict: Callable[[np.ndarray], np.ndarray]

    @property
    def megabytes(self) -> float:
        """Size on disk."""
        paths = [each for file in self.files for each in ([file] if file.is_file() else file.rglob("*"))]
        return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


@dataclass(frozen=True)
class Format:
    """An export format.

    `export` writes a network to a path without suffix, given (n, rows, columns, 3) uint8 frames for calibration.
    """

    export: Callable[["keras.Model", Path, np.ndarray], Artefact]
    packages: tuple[str, ...]  # importable names of all that it needs
    exact: bool = True  # predictions must be those of the network, as in all float formats


def export_saved_model(network: "keras.Model", stem: Path, calibration: np.ndarray) -> Artefact:
    """Write TensorFlow's own format, a folder, for TensorFlow Serving and C++."""
    import tensorflow as tf

    folder = stem.with_name(f"{stem.name}_saved_model")
    with suppressed_stderr():  # converters print every step
        network.export(str(folder), format="tf_saved_model", verbose=False)
    loaded = tf.saved_model.load(str(folder))
    return Artefact((folder,), "float32, any batch", lambda frames: loaded.serve(frames.astype(np.float32)).numpy())


def export_litert(network: "keras.Model", stem: Path, calibration: np.ndarray) -> Artefact:
    """Write LiteRT (TensorFlow Lite) in float32, for phones and small boards."""
    return _export_litert(network, stem.with_name(f"{stem.name}.tflite"), "float32, one frame")


def export_litert_int8(network: "keras.Model", stem: Path, calibration: np.ndarray) -> Artefact:
    """Write LiteRT in 8-bit integers, whose scales are chosen on the calibration frames."""
    import tensorflow as tf

    return _export_litert(
        network,
        stem.with_name(f"{stem.name}_int8.tflite"),
        "uint8, one frame",
        optimizations=[tf.lite.Optimize.DEFAULT],
        representative_dataset=lambda: ([frame[None].astype(np.float32)] for frame in calibration),
        target_spec=tf.lite.TargetSpec(supported_ops=[tf.lite.OpsSet.TFLITE_BUILTINS_INT8]),
        inference_input_type=tf.uint8,
    )


def _export_litert(network: "keras.Model", path: Path, input_description: str, **settings: Any) -> Artefact:
    import keras
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
        interpreter = Interpreter(model_path=str(path), num_threads=os.cpu_count() or 1)
        interpreter.allocate_tensors()
    source, result = interpreter.get_input_details()[0], interpreter.get_output_details()[0]

    def predict(frames: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(source["index"], frames.astype(source["dtype"]))
        interpreter.invoke()
        return np.asarray(interpreter.get_tensor(result["index"]))

    return Artefact((path,), input_description, predict)


def export_onnx(network: "keras.Model", stem: Path, calibration: np.ndarray) -> Artefact:
    """Write ONNX, for ONNX Runtime, TensorRT, Windows ML and others."""
    import onnxruntime

    path = stem.with_name(f"{stem.name}.onnx")
    with suppressed_stderr():
        network.export(str(path), format="onnx", verbose=False)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return Artefact(
        (path,), "float32, any batch", lambda frames: session.run(None, {name: frames.astype(np.float32)})[0]
    )


def export_openvino(network: "keras.Model", stem: Path, calibration: np.ndarray) -> Artefact:
    """Write OpenVINO's own format, two files, for Intel's CPUs, GPUs and NPUs."""
    from model.inference.openvino_graph import convert_to_openvino  # before openvino: it switches telemetry off

    import openvino  # isort: skip

    path = stem.with_name(f"{stem.name}.xml")
    openvino.save_model(convert_to_openvino(network), path, compress_to_fp16=False)
    hints = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(path, "CPU", hints)
    return Artefact((path, path.with_suffix(".bin")), "uint8, any batch", lambda frames: compiled([frames])[0])


FORMATS = {
    "saved_model": Format(export_saved_model, ("tensorflow",)),
    "litert": Format(export_litert, ("tensorflow", "ai_edge_litert")),
    "litert_int8": Format(export_litert_int8, ("tensorflow", "ai_edge_litert"), exact=False),
    "onnx": Format(export_onnx, ("tensorflow", "onnx", "onnxruntime", "tf2onnx")),
    "openvino": Format(export_openvino, ("tensorflow", "openvino")),
}
