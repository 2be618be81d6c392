"""Find an agent by its name, or in a file or module of the user's."""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from config.paths import path_of
from gym_follow.report import Agent

WITH_NETWORK = ("ours", "no-memory", "original")
NAMES = (*WITH_NETWORK, "scripted")


def make_agent(name: str, weights: str | None) -> Agent:
    """Return a new agent: one of NAMES, or the class CLASS of a user's, named FILE.py:CLASS or MODULE:CLASS.

    `weights` are for the network of ours, no-memory and original; without them they use ground-truth masks. Raises
    ValueError if there is no such agent.
    """
    if name == "scripted":
        from gym_follow.agents.scripted import ScriptedAgent

        return ScriptedAgent()
    if name == "original":
        from gym_follow.agents.original import OriginalAgent

        return OriginalAgent(weights)
    if name in NAMES:
        from gym_follow.agents.ours import NoMemoryAgent, OurAgent

        return OurAgent(weights) if name == "ours" else NoMemoryAgent(weights)
    return _own(name)()


def check_agent(name: str) -> str:
    """Return `name` if there is such an agent. Raises ValueError otherwise."""
    if name not in NAMES:
        _own(name)
    return name


def file_of(name: str) -> Path | None:
    """Return the file that an agent of the user's comes from, None for one of NAMES. `check_agent` accepts `name`."""
    if name in NAMES:
        return None
    place = name.rpartition(":")[0]
    return path_of(place if place.endswith(".py") else str(importlib.import_module(place).__file__))


def _own(name: str) -> Callable[[], Agent]:
    place, found, attribute = name.rpartition(":")
    if not found:
        raise ValueError(f"expected an agent ({', '.join(NAMES)}, or FILE.py:CLASS of your own), got {name}")
    kind: Callable[[], Agent] | None = getattr(_load(place), attribute, None)
    if kind is None or not callable(getattr(kind, "act", None)):
        raise ValueError(f"expected in {place} a class {attribute} with a method act(observation, info): there is none")
    return kind


def _load(place: str) -> ModuleType:
    if not place.endswith(".py"):
        try:
            return importlib.import_module(place)
        except ModuleNotFoundError as error:
            raise ValueError(f"expected a module or a file with an agent, got {place}: {error}") from None
    path = path_of(place)
    if not path.is_file():
        raise ValueError(f"expected a file with an agent, got {place}: there is no such file")
    spec = importlib.util.spec_from_file_location(f"agent_of_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None  # as for any file in .py
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # as for an import: dataclasses look their module up
    folder, before = path.resolve().parent, set(sys.modules)
    is_known = folder in (Path(each).resolve() for each in sys.path)
    sys.path.insert(0, str(folder))  # as of a script: modules beside it are found
    try:
        spec.loader.exec_module(module)
    except ModuleNotFoundError as error:
        raise ValueError(f"{place} imports a module that is not there: {error}") from None
    except (Exception, SystemExit) as error:  # of the user's, of any kind
        raise ValueError(f"{place} cannot be loaded:\n{''.join(traceback.format_exception(error)).rstrip()}") from None
    finally:
        new = set() if is_known else sys.modules.keys() - before - {spec.name}
        beside = [name for name in new if _lies_in(folder, name)]
        if str(folder) in sys.path:
            sys.path.remove(str(folder))
        for name in beside:  # another agent's modules may have the same names
            del sys.modules[name]
    return module


def _lies_in(folder: Path, name: str) -> bool:
    """Return whether an imported module, or the package that it belongs to, lies directly in a folder."""
    spec = getattr(sys.modules.get(name.partition(".")[0]), "__spec__", None)
    places = [] if spec is None else spec.submodule_search_locations or [spec.origin or ""]
    return any(Path(place).parent == folder for place in places)
