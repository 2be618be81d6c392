"""Models of 2017: graph and layers rebuilt in Keras 3, weights read from HDF5."""
