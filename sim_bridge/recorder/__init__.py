"""Record flights as they happen."""
