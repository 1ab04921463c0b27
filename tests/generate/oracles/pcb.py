"""PCB-Merging."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three adapters, quantiles over all modules."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("entries by score, over the file", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="pcb", params={"ratio": 0.35, "scope": "file"}, rank={"mode": "fixed", "value": 14})


def merge(problem):
    """One long vector for each adapter, as in the paper; quantiles are order statistics."""
    names = list(problem.modules)
    tau = np.stack([np.concatenate([problem.modules[name][i].tau.ravel() for name in names])
                    for i in range(problem.adapters)])
    count, size = tau.shape
    sizes = np.sort(np.abs(tau), axis=1)[:, ::-1]
    nth = lambda share: max(1, round(share * size)) - 1
    low, high = sizes[:, nth(0.9999), None], sizes[:, nth(0.0001), None]
    clamped = np.sign(tau) * np.clip(np.abs(tau), low, high)
    intra = np.exp(count * ((np.abs(clamped) - low) / (high - low)) ** 2)
    score = intra * np.tanh(tau * tau.sum(axis=0))
    ordered = np.sort(score, axis=1)[:, ::-1]
    floor, top = ordered[:, nth(problem.params["ratio"]), None], ordered[:, :1]
    s = np.clip((score - floor) / (top - floor), 0, 1)
    merged = (clamped * s).sum(axis=0) / np.maximum(s.sum(axis=0), 1e-12)
    answers, at = {}, 0
    for name in names:
        shape = problem.modules[name][0].delta.shape
        answers[name] = merged[at:at + np.prod(shape)].reshape(shape)
        at += np.prod(shape)
    return answers
