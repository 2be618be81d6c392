"""The workshop: training, comparing and activating models."""
