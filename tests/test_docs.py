"""Docs name only what exists: files, modules, commands' options, settings, identifiers, pages' addresses."""

import re
import shlex
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "recordings").glob("*.md")]
    if path.name != "CHANGELOG.md"  # which names what there was
)
MODEL_CARD = ROOT / "model" / "weights" / "model_weights.md"
PRODUCT = (
    "app",
    "config",
    "dashboard",
    "dataset",
    "follower",
    "gym_follow",
    "model",
    "scripts",
    "sim_bridge",
    "simulator",
)
SOURCES = (".py", ".toml", ".js", ".html", ".css")

# The packages that hold the options of a command; the longest name that fits counts.
OPTIONS_OF = {
    "follower.py": ("app",),
    "scripts/bench.py": ("scripts",),
    "scripts/demo.py": ("scripts",),
    "dataset": ("dataset",),
    "model": ("model",),
    "simulator": ("simulator",),
    "sim_bridge": ("sim_bridge",),
    "tests": ("tests",),
}
OTHERS_COMMANDS = {"pip", "pytest", "venv", "mypy", "ruff"}  # after `python -m`

# What docs name and somebody else made: data sets, models of 2017, libraries, QuadSim's keys, other programs.
FOREIGN = {
    "preprocess_ims.py",
    "raw_sim_data",
    "collected_runs.zip",
    "config_model_weights",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "libX11.so.6",
    "libx11-6",
    "patrol_non_targ",
    "sample_evaluation_data",
    "sample_evaluation_data.zip",
    "train.zip",
    "validation.zip",
    *("leastconn", "quickack", "redispatch", "shutdown-sessions", "socat"),
}
EXAMPLES = {
    *("000017.jpeg", "000017.png", "um_000017.png", "um_road_000017.png", "image_7.jpeg", "mask_007.png"),
    *("0_run1_cam1_00005.jpeg", "0_run1_mask_00005.png", "4_run_99cam1_00001.jpeg", "4__mask_00001.png"),
    *("cam1_00000.png", "cam4_00000.png", "evaluation.json", "frame.jpeg", "meadow", "run1", "run_07"),
}


@cache
def code(packages: tuple[str, ...] = PRODUCT) -> str:
    """All source text of some packages and of the files in the root."""
    files = [path for package in packages for path in (ROOT / package).rglob("*") if path.suffix in SOURCES]
    return "\n".join(path.read_text(encoding="utf-8") for path in [*files, *ROOT.glob("*.py"), *ROOT.glob("*.toml")])


@cache
def words() -> frozenset[str]:
    return frozenset(re.findall(r"[\w-]+", code())) | frozenset(re.findall(r"\w+", code()))


SECTIONS_OF_CLASSES = {"classes", "colours"}  # of classes.toml


@cache
def settings() -> dict[str, set[str]]:
    """Section -> keys, of all files of settings; the empty section has the keys above the first one."""
    found: dict[str, set[str]] = {"": set()}
    for path in [ROOT / "follower.toml", ROOT / "model" / "train.toml", *(ROOT / "model" / "presets").glob("*.toml")]:
        for name, value in tomllib.loads(path.read_text(encoding="utf-8")).items():
            if isinstance(value, dict):
                found.setdefault(name, set()).update(value)
            else:
                found[""].add(name)
    return found


def quoted(text: str) -> list[tuple[int, str]]:
    """(line number, code) of everything in backticks and of each line of the fenced blocks of shell commands."""
    found, fenced = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced:
            found += [(number, line.strip())] if line.lstrip().startswith(("python", "pip", "bash")) else []
        else:
            found += [(number, each) for each in re.findall(r"`([^`]+)`", line)]
    return found


def is_module(name: str) -> bool:
    """Whether `python -m name` can find it."""
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").is_file() or (path / "__main__.py").is_file()


def file_problem(token: str) -> str | None:
    """A path that begins with a folder of the project, or a name that ends as a file of the project does."""
    if re.search(r"[<>…*{}]|\.\.\.", token) or token in FOREIGN | EXAMPLES:
        return None
    first, _, rest = token.partition("/")
    if rest and first in (*PRODUCT, "tests", "docs", ".ci"):
        there = (ROOT / token).exists()
        return None if there else "no such path"
    name = token.rstrip("/").rpartition("/")[2]
    if rest and first in ("recordings", "runs"):  # the user's
        return None
    if re.fullmatch(r"[\w-]+\.(py|toml|md|sh)", name) and not rest:
        produced = re.search(rf"\b{re.escape(name)}\b", code())
        return None if produced or any(ROOT.rglob(name)) else "no such file"
    if re.fullmatch(r"[\w-]+\.(csv|html|h5|json|jsonl|npz|png|txt|zip)", name):
        return None if name in code() or (ROOT / name).exists() else "no such file, and nothing writes one"
    return None


def command_problems(line: str) -> list[str]:
    """`python …` lines: the script or module exists, and its options do."""
    try:
        parts = shlex.split(line, comments=True)
    except ValueError:  # a line of Windows, or half a command
        parts = line.split()
    if not re.fullmatch(r"python[\d.]*", parts[0]) or len(parts) < 2:
        return []
    if parts[1] == "-m":
        command, arguments = parts[2], parts[3:]
        if command in OTHERS_COMMANDS:
            return []
        if not is_module(command):
            return [f"no module {command}"]
    elif parts[1].endswith(".py"):
        command, arguments = parts[1], parts[2:]
        if not (ROOT / command).is_file():
            return [f"no script {command}"]
    else:
        return []
    own, _, simulators = " ".join(arguments).partition(" -- ")
    packages = OPTIONS_OF.get(command, OPTIONS_OF.get(command.partition(".")[0], PRODUCT))
    return option_problems(own, packages) + option_problems(simulators, ("simulator",))


def option_problems(text: str, packages: tuple[str, ...] = PRODUCT) -> list[str]:
    options = re.findall(r"(?<![\w-])--[a-z][\w-]*", text)
    return [f"no option {option}" for option in options if f'"{option}"' not in code(packages)]


def setting_problems(token: str) -> list[str]:
    """`[section]`, `section.key`, `key = value`, `--set section.key=value`."""
    known, problems = settings(), []
    if (section := re.fullmatch(r"\[([a-z_]+)\]", token)) and section[1] not in known.keys() | SECTIONS_OF_CLASSES:
        problems.append(f"no section {token}")
    dotted = re.fullmatch(r"([a-z_]+)\.([a-z_]+)", token) or re.match(r"--set '?([a-z_]+)\.([a-z_]+)=", token)
    if dotted and dotted[1] in known and dotted[1] not in PRODUCT and dotted[2] not in known[dotted[1]]:
        problems.append(f"no setting {dotted[1]}.{dotted[2]}")
    if (key := re.match(r"([a-z_]+) = \S", token)) and not any(key[1] in keys for keys in known.values()):
        problems.append(f"no setting {key[1]}")
    return problems


def word_problem(token: str) -> str | None:
    """Identifiers are in the code, word for word; so are dotted names of modules."""
    if token in FOREIGN | EXAMPLES:
        return None
    if re.fullmatch(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*", token):
        return None if token in words() else "not in the code"
    first, _, rest = token.partition(".")
    if re.fullmatch(r"[a-z_]+(\.[a-z_]+)+", token) and first in PRODUCT and not (ROOT / token).exists():
        path = ROOT.joinpath(*token.split("."))
        setting = rest in settings().get(first, ())
        return None if setting or path.is_dir() or path.with_suffix(".py").is_file() else "no such module"
    return None


def address_problem(token: str) -> str | None:
    """`GET /api/…`: every part of the address that is no placeholder is in the code."""
    call = re.fullmatch(r"(?:GET|POST) (/[\w/<>, -]*)(\?.*)?", token)
    if call is None:
        return None
    parts = [part for part in call[1].split("/") if part and not part.startswith("<")]
    missing = [part for part in parts if not re.search(rf"[/\"]{re.escape(part)}\b", code(("dashboard", "sim_bridge")))]
    return f"no {'/'.join(missing)} in any address" if missing else None


def problems_of(token: str) -> list[str]:
    """What is wrong with one piece of code that a document quotes."""
    if token.startswith(("python", "pip", "bash")) and " " in token:
        paths = [part for part in token.split() if "/" in part]  # other names are examples
        return command_problems(token) + [found for path in paths if (found := file_problem(path))]
    checks = [file_problem(token), word_problem(token), address_problem(token)]
    return [*filter(None, checks), *option_problems(token), *setting_problems(token)]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_names_only_what_exists(document):
    found = [
        f"{document.name}:{number}: `{token}`: {problem}"
        for number, token in quoted(document.read_text(encoding="utf-8"))
        for problem in problems_of(token)
    ]
    assert not found, "\n".join(["docs name what does not exist:", *found])


@pytest.mark.parametrize("document", [*DOCUMENTS, MODEL_CARD], ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files_and_headings(document):
    text = document.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text) + re.findall(r"src=\"([^\"]+)\"", text):
        if "://" in target:
            continue
        path, _, heading = target.partition("#")
        file = document.parent / path if path else document
        assert file.exists(), f"{document.name}: {target} does not exist"
        if heading:
            headings = re.findall(r"^#+ (.*)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}
            assert heading in anchors, f"{document.name}: {target}: no such heading"


@pytest.mark.parametrize(
    "token",
    [
        "follower/nowhere.py",
        "nowhere.py",
        "model.nowhere",
        "nobody_wrote_this",
        "nothing.csv",
        "--no-such-option",
        "[nowhere]",
        "agent.nothing",
        "--set agent.nothing=1",
        "nothing = 1",
        "GET /api/nowhere",
        "python -m model.nowhere",
        "python -m model.evaluate --no-such-option",
        "python -m model.evaluate --pred_viz",
        "python nowhere.py",
    ],
)
def test_what_does_not_exist_is_found(token):
    assert problems_of(token)
