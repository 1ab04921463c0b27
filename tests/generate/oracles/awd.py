"""AWD."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three adapters over the whole file, one of which lacks a module."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    # Alike, so that there is something to take out.
    b[QUERY] = (np.hstack([a[QUERY][0], b[QUERY][0][:, :1]]), np.vstack([a[QUERY][1], b[QUERY][1][:1]]), None)
    del c[VALUE]
    return Case("a common part taken out", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, 0.5],
                method="awd", params={"steps": 100})


def merge(problem):
    """Descent on dense vectors, the gradient by hand."""
    alpha, beta = problem.params.get("alpha", 0.1), problem.params.get("beta", 0.01)
    assert problem.params.get("from", "file") == "file"
    shapes = {name: parts[0].tau.shape for name, parts in problem.modules.items()}

    def flat(adapter):
        found = []
        for name, parts in problem.modules.items():
            own = [part.tau for part in parts if part.adapter == adapter]
            found.append((own[0] if own else np.zeros(shapes[name])).ravel())
        return np.concatenate(found)

    taus = np.array([flat(i) for i in range(problem.adapters)])
    count, size = len(taus), np.sqrt((taus**2).sum() / len(taus))
    delta = np.zeros(taus.shape[1])
    for _ in range(problem.params.get("steps", 300)):
        rest = taus / size - delta
        norms = np.linalg.norm(rest, axis=1)
        unit = rest / norms[:, None]
        cosines = unit @ unit.T
        signs = np.where(cosines < 0, -1.0, 1.0) * (1 - np.eye(count))
        # d|cos(x, y)|/dx = sign·(ŷ − cos·x̂)/‖x‖, and dx/dδ = −1.
        pulls = (signs @ unit - (signs * cosines).sum(1)[:, None] * unit) / norms[:, None]
        gradient = -2 * pulls.sum(0) / (count * (count - 1))
        length = np.linalg.norm(delta)
        delta = delta - beta * (gradient + (alpha * delta / length if length > 1e-9 else 0))
    merged = taus.sum(0) - count * size * delta
    ends = np.cumsum([a * b for a, b in shapes.values()])
    return {name: x.reshape(shapes[name]) for name, x in zip(shapes, np.split(merged, ends[:-1]))}
