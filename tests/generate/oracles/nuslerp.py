"""NuSLERP, row by row: t = w₂/(w₁ + w₂), each row with its own angle."""
import numpy as np

from oracles._scalar import cosine, three


def case(make):
    """Three adapters, or two where the method takes no more."""
    return three(make, "every row along its own arc", "nuslerp", weights=(1.0, 0.5), rows=True)


def merge(problem):
    """See above."""
    def one(parts):
        a, b = parts
        t = b.weight / (a.weight + b.weight)
        rows = []
        for x, y in zip(a.delta, b.delta):
            angle = np.arccos(cosine(x, y))
            rows.append((np.sin((1 - t) * angle) * x + np.sin(t * angle) * y) / np.sin(angle))
        return np.array(rows)

    return problem.each(one)
