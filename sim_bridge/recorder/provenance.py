"""Provenance of a recording as plain data for `meta.json`: the model's exact file, settings, versions of software."""

from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path
from typing import Any

from config.version import software_versions


def describe_origin(description: str, weights: Path, settings: Mapping[str, object]) -> dict[str, Any]:
    """Return the origin that `Recorder` takes.

    Args:
        description: of the model, one line for people.
        weights: the model's file.
        settings: all of them, by section.

    Raises OSError if the weights cannot be read.
    """
    with weights.open("rb") as file:
        digest = file_digest(file, "sha256").hexdigest()
    return {
        "model": {"description": description, "file": weights.name, "sha256": digest},
        "settings": dict(settings),
        "versions": software_versions(),
    }
