"""audit.csv: what is wrong with which labelled frame, where in it, and whether that is left out."""

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Annotated, Literal, get_args

from annotated_types import Ge, Le
from pydantic import AfterValidator, TypeAdapter, ValidationError

from dataset.archives import DatasetError
from dataset.files import write_atomically
from dataset.masks.ignored import Box
from dataset.schema import CLASSES

AUDIT_FILE = "audit.csv"
Kind = Literal["hidden", "distant", "other frame's mask", "swapped classes", "copy", "mirrored copy"]
KINDS: tuple[Kind, ...] = get_args(Kind)
COPIES: tuple[Kind, ...] = ("copy", "mirrored copy")
Pixels = Annotated[int, Ge(0)]


def _check_class(name: str) -> str:
    if name and name not in CLASSES:
        raise ValueError(f"expected {', '.join(CLASSES)} or nothing")
    return name


@dataclass(frozen=True)
class Finding:
    """A defect of one frame, a row of the file. `frame` and `same_as` name frames as `dataset.pairs.frame_id` does."""

    leave_out: Literal["yes", "no"]
    kind: Kind
    score: Annotated[float, Ge(0), Le(1)]  # how plain it is
    source: str
    image: str
    label: Annotated[str, AfterValidator(_check_class)]  # name of the class, of a person; else ""
    top: Pixels
    left: Pixels
    bottom: Pixels
    right: Pixels
    height: Pixels  # of the frame
    width: Pixels
    frame: str
    same_as: str  # of a copy: the first frame of this picture
    reason: str

    @property
    def box(self) -> Box:
        """The pixels that are meant."""
        return Box(self.top, self.left, self.bottom, self.right)

    def box_in(self, height: int, width: int) -> Box:
        """Return the pixels that are meant in the frame scaled to another size."""
        return self.box.scaled(height / max(self.height, 1), width / max(self.width, 1))


COLUMNS = tuple(field.name for field in fields(Finding))
_ADAPTER = TypeAdapter(Finding)


def write_findings(path: Path, findings: Iterable[Finding]) -> None:
    """Replace the file. Raises OSError."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(astuple, findings))
    write_atomically(path, text.getvalue())


def read_findings(path: Path) -> list[Finding]:
    """Return the rows of a file, which may have been edited. Raises DatasetError for another kind of file, OSError."""
    try:
        rows = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"expected the {AUDIT_FILE} of python -m model.audit, but {path} is not text") from error
    if not rows or tuple(rows[0]) != COLUMNS:
        raise DatasetError(
            f"expected the {AUDIT_FILE} of python -m model.audit, whose first line is {','.join(COLUMNS)}; {path}"
            f" begins with {','.join(rows[0])[:80] if rows else 'nothing'}"
        )
    found = []
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        try:
            if len(row) != len(COLUMNS):
                raise DatasetError(f"{path}, line {line}: expected {len(COLUMNS)} values, got {len(row)}")
            found.append(_ADAPTER.validate_python(dict(zip(COLUMNS, row, strict=True))))
        except ValidationError as error:
            first = error.errors()[0]
            column, value = first["loc"][0], first["input"]
            raise DatasetError(f"{path}, line {line}: {column} is {value!r}: {first['msg'].lower()}") from error
    return found
