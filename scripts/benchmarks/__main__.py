"""`python -m scripts.benchmarks NAME`, which scripts/bench.py runs."""

import config.interrupts  # noqa: F401 - before all else

# isort: split
import argparse
import json
import sys
from collections.abc import Sequence
from importlib import import_module

from config.paths import allow_any_name


def main(arguments: Sequence[str]) -> int:
    """Run a benchmark and return the exit status.

    What it returns is written to the file of the option --json. If that has "problems", they are printed, too, and the
    exit status is 2.
    """
    allow_any_name()
    name, *arguments = arguments
    module = import_module(f"scripts.benchmarks.{name}")
    parser = argparse.ArgumentParser(
        prog=f"python scripts/bench.py {name}",
        description=module.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    module.add_options(parser)
    options = parser.parse_args(arguments)
    try:
        results = module.benchmark(options)
        if getattr(options, "json", None):
            options.json.parent.mkdir(parents=True, exist_ok=True)
            options.json.write_text(json.dumps(results, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        if isinstance(results, dict) and results.get("problems"):
            raise RuntimeError("; ".join(results["problems"]))
    except (ValueError, RuntimeError, OSError) as error:  # of models, renderers, bridges and files
        print(f"bench {name}: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
