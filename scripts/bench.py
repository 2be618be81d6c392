"""Measure the program: `python scripts/bench.py BENCHMARK [--help]`; without a benchmark, list them."""

import sys

from environment import prepare, run

BENCHMARKS = {
    "latency": "time from a frame to its commands, compared with the original program of 2017",
    "stages": "where the time of a frame goes",
    "fleet": "how many simulators one follower serves",
    "soak": "an hour with simulators that come and go: growth of memory, threads and files",
    "hostile": "invalid messages, and their effect on a well-behaved simulator",
    "light": "what the network finds in bad light and weather, in pictures as taken and as restored",
    "follow": "tracking quality in seeded flights",
    "recording": "cost of recording for a flight, and completeness of the recording",
    "viewers": "cost of viewers for a flight",
    "training": "cost of a training for a flight",
    "corrections": "what the correction of a flight's most suspicious labels is worth to a network",
    "render": "rendering speed of the built-in simulator",
}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in BENCHMARKS:
        names = "\n".join(f"  {name:11} {meaning}" for name, meaning in BENCHMARKS.items())
        print(f"usage: python scripts/bench.py BENCHMARK [options]\n\n{names}")
        sys.exit(0 if {"-h", "--help"} & set(sys.argv[1:]) else 2)
    sys.exit(run(prepare("requirements.txt"), "-P", "-m", "scripts.benchmarks", *sys.argv[1:]))
