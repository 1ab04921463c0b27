"""CART."""
from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd


def case(make):
    """The mean and half of each difference."""
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2), (2, 5)))
    return Case("the mean and the main differences from it", [Adapter("peft", m) for m in (a, b, c)], [1.0, 0.7, -0.5],
                method="cart", params={"delta": 0.6})


def merge(problem):
    """τ̄ + δΣSVD_k(τ − τ̄), k half of the adapter's own directions."""
    delta = problem.params.get("delta", 1.0)
    assert not problem.params.get("directions")

    def one(parts):
        mean = sum(part.tau for part in parts) / len(parts)
        merged = mean.copy()
        for part in parts:
            k = (len(thin_svd(part.tau)[1]) + 1) // 2
            u, sigma, vt = thin_svd(part.tau - mean)
            merged += delta * (u[:, :k] * sigma[:k]) @ vt[:k]
        return merged

    return problem.each(one)
