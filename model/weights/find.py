"""Find model files by name, and the configuration beside the weights of a 2017 model. Opens no file."""

import difflib
from pathlib import Path

from config.paths import path_of
from model.weights.other_formats import describe_other_format

WEIGHTS_FOLDER = Path(__file__).parent
_FOLDERS_OF_2017 = (Path("data", "weights"), Path("..", "data", "weights"))  # from the working folder
_SUFFIXES = ("", ".h5", ".keras", ".hdf5")


class WeightsError(ValueError):
    """A model file cannot be found, read, trusted or written; the message is one sentence that gives the reason."""


def find_weights(name: str | Path) -> Path:
    """Return the file called `name`: as given, or where models of 2017 and those of this project lie.

    Its suffix may be omitted, or given in excess. Raises WeightsError that suggests the nearest names.
    """
    try:
        given = path_of(name)
        names = [f"{given}{suffix}" for suffix in _SUFFIXES]
        if given.suffix in _SUFFIXES[1:]:
            names.append(f"{given.with_suffix('')}")  # the project of 2017 wrote files without a suffix
        for folder in (Path(), *_FOLDERS_OF_2017, WEIGHTS_FOLDER):
            for candidate in (folder / each for each in names):
                if candidate.is_file():
                    return candidate
        if other := describe_other_format(given):
            raise WeightsError(f"{name} {other}.")
        if given.is_dir():
            inside = " or ".join(path.name for path in sorted(given.iterdir()) if path.suffix in _SUFFIXES[1:])
            raise WeightsError(f"{name} is a folder; give the weights file inside it{inside and f': {inside}'}.")
        folders = {folder.resolve() for folder in (given.parent, WEIGHTS_FOLDER) if folder.is_dir()}
        neighbours = sorted({path.name for folder in folders for path in folder.iterdir() if _may_be_weights(path)})
    except OSError as error:
        raise WeightsError(f"{name} cannot be looked up: {error}.") from error
    nearest = difflib.get_close_matches(given.name, neighbours, n=3, cutoff=0.4)
    hint = f"; did you mean {' or '.join(nearest)}?" if nearest else "."
    elsewhere = ", ".join(map(str, (*_FOLDERS_OF_2017, WEIGHTS_FOLDER)))
    raise WeightsError(f"There is no weights file {name}, neither as given nor in {elsewhere}{hint}")


def describe_place(name: str | Path) -> str:
    """Return a sentence about the file that `find_weights` finds if it is not the one that `name` stands for alone.

    That is, if its name was completed or it lies elsewhere; else nothing. Raises WeightsError.
    """
    path = find_weights(name)
    return "" if path == path_of(name) else f"{name} is {path.resolve()}"


def find_config(path: Path) -> Path:
    """Return the configuration beside the 2017 weights file `path`: `config_<name>` or a common variant of that name.

    Raises WeightsError, OSError.
    """
    name, stem = path.name, path.stem
    wanted = [
        *(f"config_{base}{suffix}" for base in (name, stem) for suffix in ("", ".json", ".h5", ".hdf5", ".txt")),
        *(f"{base}{ending}" for base in (stem, name) for ending in (".json", "_config", "_config.json")),
    ]
    beside = {other.name.lower(): other for other in sorted(path.parent.iterdir()) if other.is_file() and other != path}
    for candidate in wanted:
        if candidate.lower() in beside:
            return beside[candidate.lower()]
    others = [other for key, other in beside.items() if key.startswith("config")]
    if len(others) == 1:
        return others[0]
    hint = (
        f"if it is one of {', '.join(other.name for other in others[:5])}, rename it accordingly"
        if others
        else "put the two files into one folder"
    )
    raise WeightsError(
        f"{path} holds weights but no architecture, and its configuration config_{name} is not beside it; {hint}."
    )


def _may_be_weights(path: Path) -> bool:
    return path.is_file() and path.suffix in _SUFFIXES and not path.name.startswith(("config", ".", "README"))
