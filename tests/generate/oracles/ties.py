"""TIES."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case

from . import _peft


def case(make):
    """Three adapters of unlike ranks, three entries of ten, thresholds over the file."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("the largest three tenths, by sign", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="ties", params={"density": 0.3}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """As the paper has it: thresholds of each adapter over all its modules, mean of what agrees. Or PEFT's on factors."""
    if problem.params.get("space") == "factors":
        return _peft.merge(problem, _peft.largest(problem), elect=True)
    density, entries = problem.params["density"], {}
    for module in problem.modules.values():
        for part in module:
            entries.setdefault(part.adapter, []).append(np.abs(part.tau).ravel())
    least = {}
    for adapter, own in entries.items():
        own = np.sort(np.concatenate(own))[::-1]
        least[adapter] = own[max(1, round(density * own.size)) - 1]

    def one(parts):
        trimmed = np.stack([np.where(np.abs(part.tau) >= least[part.adapter], part.tau, 0.0) for part in parts])
        agrees = (trimmed != 0) & (np.sign(trimmed) == np.sign(trimmed.sum(axis=0)))
        return np.where(agrees, trimmed, 0.0).sum(axis=0) / np.maximum(agrees.sum(axis=0), 1)

    return problem.each(one)
