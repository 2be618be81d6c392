"""Records a flight while it happens."""
