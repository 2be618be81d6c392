"""Shared parts of the benchmarks: command line, processes, frames, rounds and tables."""
