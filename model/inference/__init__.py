"""Running a network: segmenter, runtimes, graph rewrites."""
