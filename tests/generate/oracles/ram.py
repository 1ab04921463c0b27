"""RAM+."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three adapters, with settings that can be seen."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("means of what is active, and more of what is one's own", [Adapter("peft", m) for m in (a, b, c)],
                [1.0, 0.7, -0.5], method="ram", params={"share": 0.9, "r": 0.5, "alpha": 1.1},
                rank={"mode": "fixed", "value": 14})


def merge(problem):
    """Entries above so many times their root mean square are active."""
    share, r, alpha = (problem.params[name] for name in ("share", "r", "alpha"))
    active, shared, unique = {}, np.zeros(problem.adapters), np.zeros(problem.adapters)
    for name, parts in problem.modules.items():
        taus = np.stack([part.tau for part in parts])
        active[name] = np.abs(taus) > share * np.sqrt(np.mean(taus ** 2, axis=(1, 2), keepdims=True))
        count = active[name].sum(axis=0)
        for part, own in zip(parts, active[name]):
            shared[part.adapter] += (own & (count > 1)).sum()
            unique[part.adapter] += (own & (count == 1)).sum()
    factors = 1 + r * np.clip(shared / unique, 0, alpha)
    answers = {}
    for name, parts in problem.modules.items():
        taus = np.where(active[name], np.stack([part.tau for part in parts]), 0)
        count = active[name].sum(axis=0)
        alone = sum(factors[part.adapter] * tau for part, tau in zip(parts, taus))
        answers[name] = np.where(count == 1, alone, taus.sum(axis=0) / np.maximum(count, 1))
    return answers
