"""Twin-Merging."""
from cases import QUERY, VALUE, Adapter, Case
from oracles import thin_svd


def case(make):
    """The second adapter's own part; it lacks the module VALUE."""
    a, b = {QUERY: make.pair(16, 14, 3), VALUE: make.pair(10, 14, 4)}, {QUERY: make.pair(16, 14, 4)}
    return Case("what one adapter has beyond the shared one", [Adapter("peft", m) for m in (a, b)], [1.0, 0.7],
                method="twin", params={"part": 2, "rank": 2, "shared": "paper"})


def merge(problem):
    """SVD_r(τ − θ), or θ."""
    which, rank = problem.params.get("part", 0), problem.params.get("rank", 8)

    def one(parts):
        kappa = 0.3 if problem.params.get("shared") == "paper" else 1 / len(parts)
        shared = kappa * sum(part.tau for part in parts)
        if which == 0:
            return shared
        own = sum((part.tau for part in parts if part.adapter == which - 1), 0 * shared)
        u, sigma, vt = thin_svd(own - shared)
        return (u[:, :rank] * sigma[:rank]) @ vt[:rank] if rank else own - shared

    return problem.each(one)
