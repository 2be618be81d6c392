"""What the pixels are: networks, weights, segmentation, training and scoring. Knows no simulator and no commands."""
