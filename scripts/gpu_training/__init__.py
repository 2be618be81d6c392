"""Train networks within minutes on one GPU: a large one, then small ones that it teaches. In PyTorch, with CUDA graphs.

`python -m scripts.gpu_training --help` shows the options. The networks are those of `model.networks.Pyramid`, read from
and written to ordinary model files; their samples come from `model.data`.

A step of such small networks is hundreds of kernels of microseconds, which a GPU mostly waits for unless they are
recorded as one graph. Keras offers none with PyTorch: so network, loss and optimizer exist here once more, and tests
compare them with those of Keras.
"""
