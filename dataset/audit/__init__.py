"""Defects of labels that the frames themselves show, without a network: found, listed, and left out on demand."""
