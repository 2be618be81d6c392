"""Recognise models in formats that this program does not load, by the names of files and folders alone."""

from pathlib import Path

_SUFFIXES = {
    ".pb": "a graph of TensorFlow",
    ".ckpt": "a TensorFlow checkpoint",
    ".index": "a TensorFlow checkpoint",
    ".tflite": "a LiteRT model",
    ".onnx": "an ONNX model",
    ".xml": "an OpenVINO model",
    ".bin": "weights of an OpenVINO or PyTorch model",
    ".pt": "a PyTorch model",
    ".pth": "a PyTorch model",
    ".safetensors": "weights of a PyTorch model",
}


def describe_other_format(path: Path) -> str:
    """Return what a file, a folder, or the prefix of a checkpoint's files is, and what to do; "" if that is unknown.

    To follow the name: "is a LiteRT model; ...". Raises OSError.
    """
    if what := _name(path):
        advice = 'give the one that it was made from, or save it with Keras: model.save("model.h5")'
        return f"is {what}, and models are loaded from .h5 and .keras files; {advice}"
    return ""


def _name(path: Path) -> str:
    if (path / "config.json").is_file() and (path / "model.weights.h5").is_file():
        return "an unpacked .keras archive"
    for folder in (path, *list(path.parents)[:2]):
        if (folder / "saved_model.pb").is_file() and (folder in (path, path.parent) or path.parent.name == "variables"):
            return "a SavedModel" if folder == path else "a part of a SavedModel"
    if Path(f"{path}.index").is_file() or ".data-0" in path.name or path.name == "checkpoint":
        return "a TensorFlow checkpoint"
    return _SUFFIXES.get(path.suffix.lower(), "") if path.exists() else ""
