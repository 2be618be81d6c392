"""Commands of the README, and benchmarks."""
