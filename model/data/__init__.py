"""Training data: sources, packed frames, augmentation, batches."""
