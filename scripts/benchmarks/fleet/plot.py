"""Picture of the fleet benchmark: latency, skipped frames, processor time and memory over the number of simulators."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

PANELS = (
    ("latency, ms", ("p50", "p99", "longest")),
    ("frames skipped, %", ("skipped_%",)),
    ("processor time per answered frame, ms", ("cpu",)),
    ("memory, MB", ("memory",)),
)


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Plot lines of the table; blank values leave gaps."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    figure, axes = plt.subplots(2, 2, figsize=(10, 6.4), sharex=True, layout="constrained")
    counts = [row["simulators"] for row in rows]
    for axis, (title, keys) in zip(axes.flat, PANELS, strict=True):
        values = {key: [math.nan if row[key] is None else row[key] for row in rows] for key in keys}
        for key in keys:
            axis.plot(counts, values[key], marker="o", label=key)
        axis.set(title=title, xscale="log")
        axis.set_xticks(counts, [str(count) for count in counts])
        highest = max(filter(math.isfinite, chain(*values.values())), default=0)
        if len(keys) > 1 and highest:
            axis.set_yscale("log")
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
            axis.legend()
        else:
            axis.set_ylim(0, 1.1 * highest or 1)
        axis.minorticks_off()
        axis.grid(alpha=0.3)
    for axis in axes[1]:
        axis.set_xlabel("simulators at 5 Hz")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
