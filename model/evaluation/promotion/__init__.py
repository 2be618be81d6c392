"""Replacing a model by a retrained one, if that is better."""
