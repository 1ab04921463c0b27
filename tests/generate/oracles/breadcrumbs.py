"""Model Breadcrumbs."""
import numpy as np

from . import _sparse


def case(make):
    """Half of the entries, after the largest tenth."""
    return _sparse.case(make, "what is between the largest and the small", "breadcrumbs", density=0.5, gamma=0.1)


def merge(problem):
    """Σ of what is left."""
    density, gamma = problem.params["density"], problem.params["gamma"]

    def crumbs(tau):
        order = np.argsort(-np.abs(tau).ravel())
        top = int(gamma * tau.size)
        left = np.zeros(tau.size)
        stay = order[top : top + round(density * tau.size)]
        left[stay] = tau.ravel()[stay]
        return left.reshape(tau.shape)

    return problem.each(lambda parts: sum(crumbs(part.tau) for part in parts))
