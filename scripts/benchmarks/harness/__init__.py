"""Shared parts of the benchmarks: options and tables, processes, frames and rounds."""
