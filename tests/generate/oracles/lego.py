"""LoRA-LEGO, where the best grouping is beyond doubt."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three adapters whose units are near copies, in another order in each."""
    rng, base = make.rng, {QUERY: make.pair(16, 14, 4)[:2], VALUE: make.pair(10, 14, 3)[:2]}
    adapters = []
    for _ in range(3):
        modules = {}
        for name, (up, down) in base.items():
            order = rng.permutation(down.shape[0])
            near = [x * (1 + 0.05 * rng.standard_normal(x.shape)) for x in (up[:, order], down[order])]
            modules[name] = (*near, None)
        adapters.append(Adapter("peft", modules))
    return Case("units that are near copies, in any order", adapters, [1.0, 0.9, 1.1], method="lego")


def merge(problem):
    """Lloyd's rounds from a greedy choice of the farthest unit, from the units as vectors."""

    def one(parts):
        a = np.vstack([np.sqrt(part.weight) * part.down for part in parts])
        b = np.vstack([np.sqrt(part.weight) * part.up.T for part in parts])
        k, units = max(len(part.down) for part in parts), np.hstack([a, b])
        centres = units[:1]
        while len(centres) < k:
            far = ((units[:, None] - centres) ** 2).sum(-1).min(1).argmax()
            centres = np.vstack([centres, units[far]])
        for _ in range(20):
            group = ((units[:, None] - centres) ** 2).sum(-1).argmin(1)
            centres = np.array([units[group == c].mean(0) for c in range(k)])
        assert all((group == c).sum() == len(parts) for c in range(k)), "the case is in doubt"
        for c in range(k):
            centres[c] *= np.abs(units[group == c]).max(1).mean() / np.abs(centres[c]).max()
        return centres[:, a.shape[1]:].T @ centres[:, :a.shape[1]]

    return problem.each(one)
