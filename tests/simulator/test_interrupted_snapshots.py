"""Snapshots that are interrupted between a picture and its mask."""

from pathlib import Path

import numpy as np
import pytest

from simulator.snapshots import write_snapshots
from simulator.types import Rendered

PICTURE = np.zeros((8, 8, 3), np.uint8)
FRAME = Rendered(rgb=PICTURE, depth=PICTURE[..., 0], mask=PICTURE)


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError])
def test_no_picture_is_left_without_its_mask(error, tmp_path, monkeypatch):
    write = Path.write_bytes

    def interrupted(path, content):
        if path.name == "000006.png":
            write(path, content[:10])
            raise error
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", interrupted)
    with pytest.raises(error):
        write_snapshots(tmp_path, [FRAME] * 3, first=5)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["000005.jpeg", "000005.png"]
