"""DC-Merge."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case
from oracles import polar, thin_svd


def case(make):
    """Three adapters of unlike ranks, spectra evened out, some cross entries kept."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 3)))
    return Case("signs elected in a basis that covers all", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="dc-merge", params={"keep": 0.4, "mask": False})


def smoothed(sigma, how):
    """Values with the same sum, more alike."""
    if how == "none":
        return sigma
    ratio = min(5.0, sigma[0] / sigma[-1]) if how == "linear" else 1.0
    weights = np.linspace(ratio, 1.0, len(sigma)) if len(sigma) > 1 else np.ones(1)
    return weights / weights.sum() * sigma.sum()


def merge(problem):
    """TIES with the mean on U*ᵀ·τ̃·V*."""
    how, keep = problem.params.get("smoothing", "linear"), problem.params.get("keep", 0.001)
    mask = problem.params.get("mask", True)

    def one(parts):
        svds = [thin_svd(part.tau) for part in parts]
        u, v = polar(np.hstack([s[0] for s in svds])), polar(np.hstack([s[2].T for s in svds]))
        ranks = [len(s[1]) for s in svds]
        k, small = sum(ranks), []
        for us, sigma, vt in svds:
            x = (u.T @ (us * smoothed(sigma, how)) @ vt @ v).ravel()
            grid = 2.0 ** (np.ceil(np.log2(np.abs(x).max())) - 30)
            x = np.round(x / grid) * grid
            count = max(int(keep * k * k + 0.5), len(sigma))
            kept = np.argsort(-np.abs(x), kind="stable")[:count]
            trimmed = np.zeros_like(x)
            trimmed[kept] = x[kept]
            small.append(trimmed.reshape(k, k))
        small = np.array(small)
        sign = np.where(small.sum(0) >= 0, 1.0, -1.0)
        agree = small * sign > 0
        merged = (small * agree).sum(0) / np.maximum(agree.sum(0), 1)
        if mask:
            owner = np.repeat(np.arange(len(ranks)), ranks)
            merged = merged * (owner[:, None] == owner[None, :])
        return u @ merged @ v.T

    return problem.each(one)
