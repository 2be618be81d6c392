"""Many trainings with different settings, searched by Optuna; see `python -m model.sweep --help`."""
