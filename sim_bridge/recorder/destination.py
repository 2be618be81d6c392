"""Whether a recording can be written where it shall go: tested before it is said to be made."""

import os
import shutil
import tempfile
from pathlib import Path

from sim_bridge.settings import RecordingSettings

GIGABYTE = 1e9
REMEDY = "choose another recording.folder"


class DestinationError(ValueError):
    """Nothing can be recorded; the message says why, and what to do."""


def check_destination(settings: RecordingSettings) -> None:
    """Make the folder of recordings and write a file into it. Raises DestinationError."""
    folder = Path(settings.folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"recording")
    except OSError as error:
        raise DestinationError(f"cannot record: {_reason(folder, error)}; {REMEDY}") from error
    if reason := lack_of_space(settings):
        raise DestinationError(f"cannot record to {folder}: {reason}; make room, or {REMEDY}")


def lack_of_space(settings: RecordingSettings) -> str | None:
    """Return what the disk of the folder lacks; None if there is enough space. Raises OSError."""
    if shutil.disk_usage(settings.folder).free >= settings.min_free_gigabytes * GIGABYTE:
        return None
    return f"the disk has less than {settings.min_free_gigabytes:g} GB left"


def _reason(folder: Path, error: OSError) -> str:
    """Return why a folder cannot be made or written to, by the first part of its path that is at fault."""
    for path in [*reversed(folder.parents), folder]:
        if os.path.islink(path) and not os.path.exists(path):
            return f"{path} points to {os.readlink(path)}, which is not there"
        if os.path.exists(path) and not os.path.isdir(path):
            return f"{path} is a file, not a folder"
    return f"{folder} cannot be written to ({error.strerror or error})"
