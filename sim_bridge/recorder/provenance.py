"""Where a recording comes from: which model to the byte, which settings, which versions. Plain data for `meta.json`."""

import platform
from collections.abc import Mapping
from hashlib import file_digest
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("numpy", "opencv-python-headless", "python-socketio", "tensorflow", "keras", "openvino")


def describe_origin(description: str, weights: Path, settings: Mapping[str, object]) -> dict:
    """What `Recorder` takes as `about`.

    Args:
        description: of the model, one line for people.
        weights: its file. settings: all of them, by section.

    Raises OSError when the weights cannot be read.
    """
    with weights.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return {
        "model": {"description": description, "file": weights.name, "sha256": digest},
        "settings": dict(settings),
        "versions": {"python": platform.python_version(), "system": platform.platform(), **_versions()},
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
