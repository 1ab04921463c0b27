"""RobustMerge."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """The authors' form, on three adapters of rank 5."""
    parts = [{QUERY: make.pair(16, 14, 5), VALUE: make.pair(10, 14, 5)} for _ in "abc"]
    return Case("pruned factors with rescaled rows", [Adapter("peft", m) for m in parts], [1.0, 0.7, -0.5],
                method="robust-merge", params={"variant": "official", "keep": 0.4})


def pruned(x, keep):
    """The largest entries."""
    kept = np.argsort(-np.abs(x).ravel(), kind="stable")[: int(keep * x.size + 0.5)]
    out = np.zeros(x.size)
    out[kept] = x.ravel()[kept]
    return out.reshape(x.shape)


def merge(problem):
    """B'·A' of factors added up apart."""
    keep, variant = problem.params.get("keep", 0.2), problem.params.get("variant", "ctm")
    assert not problem.params.get("align")

    def one(parts):
        scales, ups, downs = [], [], []
        for part in parts:
            down = pruned(part.down, keep)
            left = np.abs(down).sum(1)
            scale = np.where(left > 0, np.abs(part.down).sum(1) / np.where(left > 0, left, 1), 0)
            scales.append(np.maximum(scale, np.quantile(scale, 0.8)) if variant == "official" else scale)
            ups.append(pruned(part.weight * part.up, keep))
            downs.append(down)
        total = sum(scales)
        by = [np.divide(s, total, out=np.zeros_like(s), where=total > 0) for s in scales]
        up, down = sum(u * s for u, s in zip(ups, by)), sum(downs)
        return {"official": 4, "paper": 2, "ctm": 1}[variant] * up @ down

    return problem.each(one)
