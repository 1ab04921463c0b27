"""Orthogonal Adaptation."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Frozen downs that are rows of one orthonormal basis, apart for each adapter."""
    basis = np.linalg.qr(make.rng.standard_normal((14, 14)))[0]
    rows, parts = iter(np.split(basis[:9], 3)), []
    for _ in range(3):
        down = next(rows)
        parts.append(Adapter("peft", {m: (make.pair(n, 14, 3)[0], down, None) for m, n in ((QUERY, 16), (VALUE, 10))}))
    return Case("orthogonal adapters, added up", parts, [1.0, 0.6, 0.8], method="orthogonal")


def merge(problem):
    """The sum, of adapters that do not see each other's inputs."""
    for parts in problem.modules.values():
        assert all(np.abs(p.delta @ q.delta.T).max() < 1e-6 for p in parts for q in parts if p is not q)
    return problem.each(lambda parts: sum(part.tau for part in parts))
