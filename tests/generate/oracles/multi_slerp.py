"""Multi-SLERP: one step on the sphere of directions."""
import numpy as np

from oracles._scalar import three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "one step on the sphere", "multi-slerp")


def merge(problem):
    """See above."""
    def one(parts):
        shares = np.abs([part.weight for part in parts])
        shares = shares / shares.sum()
        norms = [np.linalg.norm(part.tau) for part in parts]
        units = [part.tau / n for part, n in zip(parts, norms)]
        x = sum(s * u for s, u in zip(shares, units))
        x = x / np.linalg.norm(x)
        v = sum(s * (u - np.vdot(u, x) * x) for s, u in zip(shares, units))
        angle = np.linalg.norm(v)
        return np.dot(shares, norms) * (np.cos(angle) * x + np.sin(angle) / angle * v)

    return problem.each(one)
