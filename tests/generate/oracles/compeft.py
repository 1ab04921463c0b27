"""ComPEFT."""
import numpy as np

from cases import QUERY, VALUE, Adapter, Case


def case(make):
    """Three entries of ten, at one and a half standard deviations."""
    a = {QUERY: make.pair(16, 14, 4), VALUE: make.pair(10, 14, 5)}
    return Case("one adapter as signs", [Adapter("peft", a)], [0.7], method="compeft",
                params={"density": 0.3, "magnitude": "std", "alpha": 1.5})


def ternary(x, params):
    """Signs of the largest entries times a magnitude."""
    k = max(1, round(params["density"] * x.size))
    kept = np.zeros(x.size, bool)
    kept[np.argsort(-np.abs(x).ravel(), kind="stable")[:k]] = True
    return np.sign(x) * kept.reshape(x.shape) * params["alpha"] * x.std()


def merge(problem):
    """Both factors on their own. The scale stands in `up`, whose deviation grows with it."""
    return problem.each(lambda parts: parts[0].weight * ternary(parts[0].up, problem.params)
                        @ ternary(parts[0].down, problem.params))
