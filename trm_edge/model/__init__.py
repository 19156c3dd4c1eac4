"""The float model: configuration, network and checkpoints.

``config`` needs the standard library only; ``network`` and the checkpoint readers need torch.
"""
