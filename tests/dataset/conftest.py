"""Fixtures of the tests about files."""

import errno
import io
import os
from pathlib import Path

import pytest


@pytest.fixture
def forbid(monkeypatch):
    """Return a function after which the system refuses a file, or to enter a folder, to root as to everybody else."""

    def do(forbidden: Path) -> None:
        def refusing(call, own: bool):
            def refuse(target, *arguments, **options):
                path = Path(target) if isinstance(target, str | Path) else Path()
                if forbidden in path.parents or (own and path == forbidden):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
                return call(target, *arguments, **options)

            return refuse

        monkeypatch.setattr(os, "stat", refusing(os.stat, own=False))
        for module, name in ((os, "listdir"), (os, "scandir"), (os, "open"), (io, "open")):
            monkeypatch.setattr(module, name, refusing(getattr(module, name), own=True))

    return do
