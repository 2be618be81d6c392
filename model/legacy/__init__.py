"""Models of 2017, rebuilt in Keras 3 from their JSON configuration and HDF5 weights."""
