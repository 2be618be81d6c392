"""What the pixels are: networks, weights, segmentation, training and scoring. Independent of any simulator."""
