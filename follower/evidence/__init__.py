"""Evidence of a single frame that a person is the target; the tracker accumulates it over frames."""
