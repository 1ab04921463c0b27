"""The principal-angle gate."""
import numpy as np

from oracles._scalar import three


def case(make):
    """Directions nearer than 60 degrees are taken out by three quarters."""
    return three(make, "what nearly coincides is taken out", "angle-gate", theta=60, beta=0.75)


def merge(problem):
    """Principal vectors from the QR bases of the ups."""
    cosine, beta = np.cos(np.deg2rad(problem.params["theta"])), problem.params["beta"]

    gated = []

    def one(parts):
        total = parts[0].tau
        for t in range(1, len(parts)):
            earlier = np.linalg.qr(np.hstack([part.up for part in parts[:t]]))[0]
            y, cosines, _ = np.linalg.svd(earlier.T @ np.linalg.qr(parts[t].up)[0], full_matrices=False)
            near = earlier @ y[:, cosines > cosine]
            gated.append((near.shape[1], y.shape[1]))
            total = total + parts[t].tau - beta * near @ (near.T @ parts[t].tau)
        return total

    answer = problem.each(one)
    assert 0 < sum(near for near, _ in gated) < sum(all for _, all in gated), "a case that gates all or nothing"
    return answer
