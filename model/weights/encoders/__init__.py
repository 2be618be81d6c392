"""Weights for encoders that begin a training: ImageNet's, and others of the same kernels."""
