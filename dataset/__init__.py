"""Labelled frames on disk: schema, masks, pairs, recordings and their previews. Imports only `config`."""
