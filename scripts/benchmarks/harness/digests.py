"""Digests of files on which results depend."""

from hashlib import sha256
from pathlib import Path
from types import ModuleType


def digest(file: Path) -> str:
    """Return the digest of a file's content, long enough to tell two apart. Raises OSError."""
    return sha256(file.read_bytes()).hexdigest()[:16]


def digest_of_packages(*packages: ModuleType) -> str:
    """Return the digest of all modules of some packages of this program."""
    total = sha256()
    for package in packages:
        for folder in map(Path, package.__path__):
            for file in sorted(folder.rglob("*.py")):
                total.update(f"{file.relative_to(folder.parent).as_posix()} {digest(file)}\n".encode())
    return total.hexdigest()[:16]
