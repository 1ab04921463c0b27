"""TIES inside a common space, shared by knots, core and ctm."""
import numpy as np


def ties(parts, density):
    """The mean of the largest entries that have the elected sign; of arrays of one shape."""
    stack = np.stack([part.ravel() for part in parts])
    keep = max(1, round(density * stack.shape[1]))
    for row in stack:
        row[np.argsort(-np.abs(row), kind="stable")[keep:]] = 0
    agree = np.sign(stack) == np.sign(stack.sum(0))
    agree &= stack != 0
    return ((stack * agree).sum(0) / np.maximum(agree.sum(0), 1)).reshape(parts[0].shape)
