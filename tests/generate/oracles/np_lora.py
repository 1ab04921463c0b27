"""NP-LoRA."""
import numpy as np

from oracles._scalar import three


def case(make):
    """The first stays whole, the second and third give way by half."""
    return three(make, "later adapters keep out of the rows of earlier ones", "np-lora", mu=1.0)


def merge(problem):
    """A_t' = A_t − μ/(1+μ)·(A_t Q)Qᵀ on the factors, Q from a QR of the earlier downs."""
    mu = problem.params["mu"]

    def one(parts):
        total = parts[0].tau
        for t in range(1, len(parts)):
            q = np.linalg.qr(np.vstack([part.down for part in parts[:t]]).T)[0]
            down = parts[t].down
            total = total + parts[t].weight * parts[t].up @ (down - mu / (1 + mu) * (down @ q) @ q.T)
        return total

    return problem.each(one)
