"""Problems of a dataset: what is wrong with which file, and how a list of them is shown."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

SHOWN_PROBLEMS = 8
NAMES_RULE = (
    "An image and its mask have the same name, apart from suffix and words such as cam1, image and mask:"
    " images/000017.jpeg with masks/000017.png, images/f017.jpeg with masks/f017_mask.png."
)
COLOURS_RULE = (
    "Masks without a classes.toml show background, people and hero in red, green and blue, in black, green and blue, or"
    " as 0, 1 and 2."
    " If others stand for the classes, name them in classes.toml beside images/ and masks/"
    " (docs/reference/formats.md)."
)
_RULES = {"no mask": NAMES_RULE, "no image": NAMES_RULE, "colours": COLOURS_RULE, "shares": COLOURS_RULE}  # by kind


@dataclass(frozen=True)
class Problem:
    """A defect of a dataset: its kind, which file, and what is wrong with it."""

    kind: str
    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


def summarise_problems(problems: Iterable[Problem]) -> str:
    """Return counts by kind, the first few problems and the rules that they break, for a message to the user."""
    problems = list(problems)
    kinds = Counter(problem.kind for problem in problems)
    counts = ", ".join(f"{count} x {kind}" for kind, count in kinds.most_common())
    lines = list(dict.fromkeys(map(str, problems)))  # one of a whole folder is the same for each of its frames
    more = [f"... and {len(lines) - SHOWN_PROBLEMS} more"] if len(lines) > SHOWN_PROBLEMS else []
    rules = dict.fromkeys(_RULES[kind] for kind in kinds if kind in _RULES)
    return "\n".join(["\n  ".join([counts, *lines[:SHOWN_PROBLEMS], *more]), *rules])
