"""Auto, where adapters are unlike: TSV-M of leading directions at the adapters' mean norm."""
import numpy as np

from oracles import polar, thin_svd
from oracles._scalar import three


def case(make):
    """Three adapters, one of which lacks a module."""
    return three(make, "unlike adapters: leading directions made orthogonal, at the mean norm", "auto")


def merge(problem):
    """See above; the norms are of whole files."""

    def one(parts):
        us, sigmas, vs = [], [], []
        for part in parts:
            u, sigma, vt = thin_svd(part.tau)
            k = int((np.cumsum(sigma**2) < 0.99 * (sigma**2).sum()).sum()) + 1
            us.append(u[:, :k]), sigmas.append(sigma[:k]), vs.append(vt[:k].T)
        return polar(np.hstack(us)) @ np.diag(np.concatenate(sigmas)) @ polar(np.hstack(vs)).T

    merged = problem.each(one)
    norms = np.zeros(problem.adapters)
    for parts in problem.modules.values():
        for part in parts:
            norms[part.adapter] += np.linalg.norm(part.tau) ** 2
    own = np.sqrt(sum(np.linalg.norm(m) ** 2 for m in merged.values()))
    return {module: np.mean(np.sqrt(norms)) / own * m for module, m in merged.items()}
