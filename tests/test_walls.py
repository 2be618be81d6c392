"""Who may import whom, how large a folder may be, and what no file may mention."""

import ast
import re
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Package -> the packages and modules that it may import besides itself. A sub-package has its own line where it may
# import less than its parent; the longest name that fits counts.
MAY_IMPORT = {
    "config": set(),
    "dataset": {"config"},
    "follower": {"dataset.schema"},
    "model": {"config", "dataset"},
    "model.legacy": {"dataset"},
    "model.weights": {"config", "dataset", "model.legacy", "model.score"},
    "model.inference": {"config.interrupts", "dataset", "model.score", "model.networks", "model.weights"},
    "model.data": {"config", "dataset", "model.settings"},
    "model.export": {"config", "dataset", "model.console", "model.inference", "model.score", "model.weights"},
    "sim_bridge": {"config", "dataset", "follower"},
    "dashboard": {
        "config",
        "dataset",
        "follower",
        "sim_bridge",
        "model.run_files",
        "model.evaluation.comparison_files",
        "model.evaluation.criteria",
        "model.sweep.files",
    },
    "app": {"config", "dashboard", "dataset", "follower", "model.inference", "model.weights", "sim_bridge"},
    "simulator": {"config"},
    "gym_follow": {"config", "dataset", "follower", "model.inference", "sim_bridge.wire", "simulator"},
    "gym_follow.metrics": {"dataset.schema", "gym_follow.log", "simulator.geometry"},
    "scripts": {"app", "config", "dashboard", "dataset", "follower", "gym_follow", "model", "sim_bridge", "simulator"},
}
PACKAGES = sorted({package.partition(".")[0] for package in MAY_IMPORT})
PURE_LIBRARIES = {"numpy", "cv2", "annotated_types"}  # all that `follower` may use beyond the standard library
IMPURE_MODULES = {"asyncio", "datetime", "multiprocessing", "random", "socket", "subprocess", "threading", "time"}
MOST_MODULES = 14  # in a folder, `__init__` and `__main__` aside
UNMENTIONABLE = {
    "a path of a machine": re.compile(r"(?<![\w.~/])/(work|home|root|Users|tmp)/\w"),
    "a package registry": re.compile("py" + r"pi\.org|files\.python" + "hosted"),
}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".ini", ".html", ".js", ".css", ".json", ".yml", ".yaml", ""}


@cache
def modules() -> dict[str, Path]:
    """Full name -> file, of all modules; a package has the name of its folder."""
    files = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


@cache
def imports(module: str) -> frozenset[str]:
    """Full names of all modules that a module imports, wherever in it."""
    path = modules()[module]
    return imported(path.read_text(encoding="utf-8"), path.relative_to(ROOT).parent.parts)


def imported(source: str, package: tuple[str, ...]) -> frozenset[str]:
    """Full names of all modules that a source imports; `package` is where its dots start from."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            base = ".".join(filter(None, (base, node.module)))
            submodules = {f"{base}.{alias.name}" for alias in node.names} & modules().keys()
            names |= submodules or {base}
    return frozenset(names)


def within(module: str, packages: set[str]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


def longest_match(module: str) -> str:
    return max((package for package in MAY_IMPORT if within(module, {package})), key=len)


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_a_package_imports_only_what_it_may(package):
    own = [module for module in modules() if longest_match(module) == package]
    assert own
    allowed = MAY_IMPORT[package] | {package}
    found = {
        module: sorted(name for name in imports(module) if within(name, set(PACKAGES)) and not within(name, allowed))
        for module in own
    }
    assert {module: names for module, names in found.items() if names} == {}


def test_packages_and_their_parts_do_not_import_each_other_in_circles():
    """The parts of a package are its sub-packages and its own modules."""

    def part(module: str) -> str:
        return ".".join(module.split(".")[:2])

    graph: dict[str, set[str]] = {}
    for module in modules():
        others = {part(name) for name in imports(module) if name in modules()}
        graph.setdefault(part(module), set()).update(others - {part(module), part(module).partition(".")[0]})
    TopologicalSorter(graph).prepare()  # raises CycleError, which names the circle


def test_the_agent_is_pure():
    for module in modules():
        if within(module, {"follower"}):
            top = {name.partition(".")[0] for name in imports(module)}
            foreign = top - {"follower", "dataset"} - PURE_LIBRARIES - set(sys.stdlib_module_names)
            assert not foreign, f"{module} imports {sorted(foreign)}"
            assert not top & IMPURE_MODULES, f"{module} imports {sorted(top & IMPURE_MODULES)}"


def test_no_folder_is_crowded():
    folders: dict[Path, int] = {}
    for path in modules().values():
        if path.name not in ("__init__.py", "__main__.py"):
            folders[path.parent] = folders.get(path.parent, 0) + 1
    assert {str(folder.relative_to(ROOT)): count for folder, count in folders.items() if count > MOST_MODULES} == {}


def test_the_walls_would_notice():
    source = "import model.weights.find\ndef late():\n    from ..follower import agent\n    from . import scenery\n"
    assert imported(source, ("simulator", "rendering")) == {
        "model.weights.find",
        "simulator.follower",
        "simulator.rendering.scenery",
    }
    assert imported("from model import score", ("follower",)) == {"model.score"}
    assert longest_match("model.inference.segmenter") == "model.inference"
    assert longest_match("model.networks") == "model"
    assert within("model.weights", {"model.weights"})
    assert not within("model.weightsandmore", {"model.weights"})


@pytest.mark.parametrize("what", UNMENTIONABLE)
def test_nobody_mentions(what):
    folders = [*PACKAGES, "docs", "tests", ".ci"]
    files = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files += [path for path in ROOT.iterdir() if path.name != ".git"]  # in a worktree a file, and git's own
    texts = [path for path in files if path.suffix in TEXT_SUFFIXES and path.is_file() and path.stat().st_size < 10**6]
    mentions = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in texts
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if UNMENTIONABLE[what].search(line)
    ]
    assert mentions == []
