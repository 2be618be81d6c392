"""Labelled frames on the disk: schema, masks, pairs, recordings and their previews. Imports no other package."""
