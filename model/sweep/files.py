"""Files in the folder of a sweep. The dashboard imports it, so it is light."""

STATE = "sweep.json"  # what the workshop page shows; a folder without it is no sweep
REPORT, BEST_SETTINGS = "sweep.md", "best.toml"
SLICES, PARALLEL = "slices.png", "parallel.png"
