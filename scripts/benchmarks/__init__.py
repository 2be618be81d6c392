"""Benchmarks, run by scripts/bench.py. Each module has `add_options(parser)` and `benchmark(options)`."""
