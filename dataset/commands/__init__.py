"""Commands of python -m dataset: each prints what it did. What they do is in the modules that they call."""
