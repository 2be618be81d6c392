"""Datasets of others that are read as they are downloaded, beyond what names of folders and files say."""
