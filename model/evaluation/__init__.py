"""Measuring and comparing models, and promoting the better one."""
