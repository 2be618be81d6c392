"""Create `.venv` from the pinned requirements, and run commands in it. Needs nothing but Python itself.

A complete environment is left alone, so that a second start costs only the comparison of a checksum, and one start of
its Python, which an upgrade of the system may have replaced or removed.
"""

from __future__ import annotations  # older versions of Python get as far as the sentence about versions

import contextlib
import hashlib
import os
import platform
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)  # Python versions with wheels of TensorFlow


def python() -> Path:
    """Return the interpreter of `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def prepare(*requirements: str) -> Path:
    """Install the requirement files (names in the root) into `.venv`, and return its interpreter.

    Exits with one sentence when Python is too old or too new, when the installation fails, or after Ctrl-C.
    """
    try:
        return _prepare(*requirements)
    except KeyboardInterrupt:
        print("interrupted; the same command goes on where this one ended", file=sys.stderr)
        sys.exit(130)


def _prepare(*requirements: str) -> Path:
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            f"expected Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, this is {sys.version.split()[0]}: "
            "run the script with one of those, for example python3.12 scripts/demo.py"
        )
    if sys.platform == "darwin" and platform.machine() == "x86_64":
        sys.exit("TensorFlow and OpenVINO are no longer made for Intel Macs: use Linux, Windows or Apple silicon")
    files = [ROOT / name for name in requirements]
    checksum = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = VENV / f"installed-{'-'.join(file.stem for file in files)}"
    base = _base()
    if base and stamp.exists() and stamp.read_text() == f"{checksum} {base}":
        return python()

    started = time.perf_counter()
    # An environment whose creation was interrupted has no pip, nor has a complete one for another version of Python.
    if not base or not _output(python(), "-m", "pip", "--version"):
        print(f"creating {VENV}", flush=True)
        try:
            venv.create(VENV, with_pip=True, clear=not base or stamp.exists())
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            sys.exit(
                f"{VENV} cannot be created: {error}\n(Debian, Ubuntu: apt install python3-venv.) Then run this again."
            )
    print(f"installing {', '.join(requirements)} into {VENV} (once, about 1 GB to download)", flush=True)
    options = [option for file in files for option in ("-r", str(file))]
    pip = [str(python()), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "on"]
    if subprocess.run([*pip, *options]).returncode:
        sys.exit("the installation failed; pip's message above gives the reason. Run the same command again to resume.")
    stamp.write_text(f"{checksum} {_base()}")
    print(f"ready after {time.perf_counter() - started:.0f} s", flush=True)
    return python()


def _base() -> str:
    """Return version and folder of the Python that `.venv` was made from; nothing if it does not start (any more)."""
    return _output(python(), "-I", "-c", "import sys; print(*sys.version_info[:2], ascii(sys.base_prefix))")


def _output(*command: str | Path) -> str:
    """Return what a command prints; nothing if it fails or does not even start."""
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""


def run(*command: str | Path, cwd: Path | None = None) -> int:
    """Run a command that finds the project from any folder, and return its exit status as a shell does.

    Ctrl-C is left to the command; SIGTERM is passed on to it.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen([str(part) for part in command], cwd=cwd, env={**os.environ, "PYTHONPATH": path})
    before = signal.signal(signal.SIGTERM, lambda number, _: process.send_signal(number))
    try:
        while True:
            with contextlib.suppress(KeyboardInterrupt):
                status = process.wait()
                return status if status >= 0 else 128 - status
    finally:
        signal.signal(signal.SIGTERM, before)
