"""Train networks within minutes on one GPU: a large one, then small ones that it teaches. In PyTorch, with CUDA graphs.

`python -m scripts.gpu_training --help` tells how to use it. The networks are `model.networks.Pyramid`, before and after
the training ordinary model files; samples come from `model.data`. Networks of a few megabytes leave a GPU idle unless a
whole step is one recorded graph, which Keras does not offer; so network, loss and optimizer exist here once more, and
tests compare them with those of Keras.
"""
