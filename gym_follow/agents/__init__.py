"""Agents of the benchmark: ours, one without memory, the original of 2017, a scripted perfect one, users' own."""
