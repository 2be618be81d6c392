"""The program's version, from pyproject.toml, and the versions of what it runs on."""

import platform
import tomllib
from importlib import metadata
from pathlib import Path

_PYPROJECT = Path(__file__).parents[1] / "pyproject.toml"
VERSION: str = tomllib.loads(_PYPROJECT.read_text(encoding="utf-8"))["project"]["version"]
PACKAGES = (
    *("numpy", "opencv-python-headless", "python-socketio"),
    *("keras", "tensorflow", "jax", "torch", "openvino"),
)


def software_versions() -> dict[str, str]:
    """Return the versions of the program, Python, the system and the installed packages that matter."""
    versions = {"follow-me": VERSION, "python": platform.python_version(), "system": platform.platform()}
    for package in PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return versions
