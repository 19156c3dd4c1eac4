"""Does a bundle compute what the float model computes, and how many puzzles does it solve?

Numpy, sessions, bundles and tasks; PyTorch only where a float model is asked for, and then through its session.
"""
