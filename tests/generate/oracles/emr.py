"""EMR."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three adapters, the third without one module, sizes by the modules' means."""
    a, b = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2)))
    c = {QUERY: make.pair(16, 14, 3)}
    return Case("the largest of the elected sign, as large as the adapters", [Adapter("peft", m) for m in (a, b, c)],
                [1.0, 0.7, -0.8], method="emr", params={"rescale": "means"}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """The unified vector times the mean of the rescalers; by means of tensors, or by sums."""
    mean = np.mean if problem.params.get("rescale", "sums") == "means" else np.sum
    unified, own, masked = {}, np.zeros(problem.adapters), np.zeros(problem.adapters)
    for name, parts in problem.modules.items():
        taus = np.stack([part.tau for part in parts])
        gamma = np.sign(taus.sum(axis=0))
        unified[name] = gamma * np.max(np.where(taus * gamma > 0, np.abs(taus), 0), axis=0)
        for part in parts:
            own[part.adapter] += mean(np.abs(part.tau))
            masked[part.adapter] += mean(np.abs(np.where(part.tau * gamma > 0, unified[name], 0)))
    factor = np.mean(own / masked)
    return {name: factor * u for name, u in unified.items()}
