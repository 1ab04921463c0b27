"""TALL masks."""
import numpy as np


def masks(parts, factor):
    """The sum, and each adapter's mask of it."""
    taus = np.stack([part.tau for part in parts])
    merged = taus.sum(axis=0)
    return merged, np.abs(taus) > factor * np.abs(merged - taus)
