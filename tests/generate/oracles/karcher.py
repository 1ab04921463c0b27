"""Karcher mean of the directions."""
import numpy as np

from oracles._scalar import cosine, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "the middle on the sphere", "karcher", steps=100)


def merge(problem):
    """See above."""
    def one(parts):
        shares = np.abs([part.weight for part in parts])
        shares = shares / shares.sum()
        norms = [np.linalg.norm(part.tau) for part in parts]
        units = [part.tau / n for part, n in zip(parts, norms)]
        x = sum(s * u for s, u in zip(shares, units))
        x = x / np.linalg.norm(x)
        for _ in range(200):
            logs = [np.arccos(cosine(u, x)) / np.sin(np.arccos(cosine(u, x))) * (u - cosine(u, x) * x) for u in units]
            v = sum(s * log for s, log in zip(shares, logs))
            angle = np.linalg.norm(v)
            if angle < 1e-14:
                break
            x = np.cos(angle) * x + np.sin(angle) / angle * v
        return np.dot(shares, norms) * x

    return problem.each(one)
