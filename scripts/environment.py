"""Sets up `.venv` from the pinned requirements and runs a command in it. Needs nothing but Python itself.

An environment that is complete is left alone, so a second start costs a file comparison.
"""

import hashlib
import os
import subprocess
import sys
import time
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 13)  # that TensorFlow has wheels for


def python() -> Path:
    """The interpreter of `.venv`."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def prepare(*requirements: str) -> Path:
    """Makes `.venv` hold what the requirement files (names in the root) pin; returns its interpreter.

    Exits with one sentence when Python is too old or too new, or when the installation fails.
    """
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        sys.exit(
            f"expected Python {OLDEST[0]}.{OLDEST[1]} to {NEWEST[0]}.{NEWEST[1]}, this is {sys.version.split()[0]}: "
            "run the script with one of those, for example python3.12 scripts/demo.py"
        )
    files = [ROOT / name for name in requirements]
    wanted = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    stamp = VENV / f"installed-{'-'.join(file.stem for file in files)}"
    if stamp.exists() and stamp.read_text() == wanted and python().exists():
        return python()

    began = time.perf_counter()
    if not _has_pip():
        print(f"creating {VENV}", flush=True)
        try:
            venv.create(VENV, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            sys.exit(
                f"{VENV} cannot be made: {error}\n(Debian, Ubuntu: apt install python3-venv.) Then run this again."
            )
    print(f"installing {', '.join(requirements)} into {VENV} (once, about 1 GB to download)", flush=True)
    command = [python(), "-m", "pip", "install", "--disable-pip-version-check", "--progress-bar", "on"]
    for file in files:
        command += ["-r", file]
    if subprocess.run(command).returncode:
        sys.exit("the installation failed; pip's message above says why. Run the same command again to go on.")
    stamp.write_text(wanted)
    print(f"ready after {time.perf_counter() - began:.0f} s", flush=True)
    return python()


def _has_pip() -> bool:
    """False, too, for an environment whose making was interrupted."""
    return (
        python().exists() and not subprocess.run([python(), "-m", "pip", "--version"], capture_output=True).returncode
    )


def run(*command: str | Path, cwd: Path | None = None) -> int:
    """Runs a command that finds the project wherever it is started; returns its exit status, as a shell has it.

    Ctrl-C is the command's to handle.
    """
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    process = subprocess.Popen([str(part) for part in command], cwd=cwd, env={**os.environ, "PYTHONPATH": path})
    while True:
        try:
            status = process.wait()
            return status if status >= 0 else 128 - status
        except KeyboardInterrupt:
            continue
