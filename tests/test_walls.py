"""Who may import whom, and what no file may mention."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {  # package -> the packages it may import
    "config": {"config"},
    "dataset": {"dataset", "config"},
    "follower": {"follower", "dataset"},
    "model": {"model", "dataset", "config"},
    "sim_bridge": {"sim_bridge", "follower", "dataset", "config"},
    "dashboard": {"dashboard", "sim_bridge", "follower", "dataset", "config"},
    "app": {"app", "dashboard", "sim_bridge", "follower", "model", "dataset", "config"},
    "simulator": {"simulator"},
}
EXCEPTIONS = {  # modules beyond those packages
    "dashboard": {
        "model.evaluation.comparison_files",
        "model.evaluation.promotion.criteria",
        "model.training.run_files",
    }
}
PURE_LIBRARIES = {"numpy", "cv2", "annotated_types"}  # all that `follower` may use beyond the standard library
IMPURE_MODULES = {"asyncio", "datetime", "multiprocessing", "random", "socket", "subprocess", "threading", "time"}
UNMENTIONABLE = {
    "a path of somebody's machine": re.compile(r"(?<![\w.~/])/(work|home|root|Users|tmp)/\w"),
    "a package registry": re.compile("py" + r"pi\.org|files\.python" + "hosted"),
}
TEXT_SUFFIXES = {".py", ".md", ".toml", ".txt", ".ini", ".html", ".js", ".css", ".json", ".yml", ".yaml", ""}


def imported(source: str, package: tuple[str, ...]) -> set[str]:
    """Full names of all modules that a source imports, wherever in it; `package` is where its dots start from."""
    names = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            names.add(".".join(filter(None, (base, node.module))))
    return names


def sources(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def tops(path: Path) -> set[str]:
    package = path.relative_to(ROOT).parent.parts
    names = imported(path.read_text(encoding="utf-8"), package) - EXCEPTIONS.get(package[0], set())
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_imports_only_what_it_may(package):
    assert sources(package)
    forbidden = set(PACKAGES) - PACKAGES[package]
    found = {str(path.relative_to(ROOT)): sorted(tops(path) & forbidden) for path in sources(package)}
    assert {path: packages for path, packages in found.items() if packages} == {}


def test_the_agent_is_pure():
    for path in sources("follower"):
        foreign = tops(path) - {"follower", "dataset"} - PURE_LIBRARIES - set(sys.stdlib_module_names)
        assert not foreign, f"{path.name} imports {sorted(foreign)}"
        assert not tops(path) & IMPURE_MODULES, f"{path.name} imports {sorted(tops(path) & IMPURE_MODULES)}"


def test_the_walls_would_notice():
    source = "import model.weights.load\ndef late():\n    from ..follower import agent\n    from . import quad\n"
    assert imported(source, ("simulator", "rendering")) == {
        "model.weights.load",
        "simulator.follower",
        "simulator.rendering",
    }
    assert imported("from model import score", ("follower",)) == {"model"}


@pytest.mark.parametrize("what", UNMENTIONABLE)
def test_nobody_mentions(what):
    folders = [*PACKAGES, "docs", "scripts", "tests", ".ci"]
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
