"""Segmentation: networks, weights, inference, training and scoring. Independent of any simulator."""
