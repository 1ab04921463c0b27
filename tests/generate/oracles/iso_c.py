"""Iso-C."""
from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd


def case(make):
    """Half way between the sum and a flat spectrum, times λ."""
    a, b = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((3, 2), (4, 2)))
    return Case("a spectrum half flattened", [Adapter("peft", m) for m in (a, b)], [1.0, 0.7], method="iso-c",
                params={"beta": 0.5, "lambda": 0.8})


def merge(problem):
    """The sum with its spectrum blended with its mean."""
    beta = problem.params.get("beta", 1.0)

    def one(parts):
        u, sigma, vt = thin_svd(sum(part.tau for part in parts))
        return u * ((1 - beta) * sigma + beta * sigma.mean()) @ vt

    return problem.each(one)
