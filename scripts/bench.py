"""Measures the program: `python scripts/bench.py latency` or `python scripts/bench.py follow`, each with --help."""

import sys

from environment import prepare, run

BENCHMARKS = {
    "latency": "frame in to command out, beside the original's way",
    "follow": "how well it follows",
    "recording": "what recording costs a flight, and how much of it is kept",
    "viewers": "what watching costs a flight",
    "training": "what a training beside it costs a flight",
    "render": "how fast the stand-in draws",
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        names = "\n".join(f"  {name:9} {what}" for name, what in BENCHMARKS.items())
        print(f"usage: python scripts/bench.py BENCHMARK [options]\n\n{names}")
        sys.exit(0 if {"-h", "--help"} & set(sys.argv[1:]) else 2)
    sys.exit(run(prepare("requirements.txt"), "-m", f"scripts.benchmarks.{sys.argv[1]}", *sys.argv[2:]))
