"""What the methods ask for, in numpy, from their formulas: one file per method, of its name with _ for -.

Each has a function merge(problem) that answers {module: dense M}, before any truncation and before λ, and a function
case(make) that answers its golden case.
"""
import dataclasses
import importlib
import pathlib

import numpy as np


@dataclasses.dataclass
class Part:
    """One adapter's part in a module."""

    adapter: int
    weight: float
    # ΔW, and the factors it is made of with the scale in `up`.
    delta: np.ndarray
    up: np.ndarray
    down: np.ndarray
    scale: float

    @property
    def tau(self):
        """wΔW."""
        return self.weight * self.delta


@dataclasses.dataclass
class Problem:
    """A whole merge: {module: its parts, in the adapters' order}."""

    modules: dict
    adapters: int
    params: dict
    seed: int

    @staticmethod
    def of(case, deltas):
        """From a case of plain factor pairs and {module: (ΔW, rank)} of every adapter."""
        modules = {}
        for i, adapter in enumerate(case.inputs):
            for module, (delta, rank) in deltas[i].items():
                down = np.float64(np.float32(adapter.modules[module][1])).reshape(rank, -1)
                up = np.float64(np.float32(adapter.modules[module][0])).reshape(-1, rank)
                where = np.unravel_index(np.argmax(np.abs(up @ down)), delta.shape)
                scale = delta[where] / (up @ down)[where]
                modules.setdefault(module, []).append(Part(i, case.weights[i], delta, scale * up, down, scale))
        return Problem(modules, len(case.inputs), case.params, case.seed)

    def each(self, merge):
        """A method that looks at one module's parts at a time."""
        return {module: merge(parts) for module, parts in self.modules.items()}


def merge(problem, method):
    """The answer of the method's file."""
    return importlib.import_module("oracles." + method.replace("-", "_")).merge(problem)


def cases():
    """{name: what makes the golden case} of every method's file."""
    files = sorted(path.stem for path in pathlib.Path(__file__).parent.glob("[a-z]*.py"))
    return {name.replace("_", "-"): importlib.import_module("oracles." + name).case for name in files}


def thin_svd(x, least=1e-6):
    """U, σ, Vᵀ over the directions above `least` of the first."""
    u, sigma, vt = np.linalg.svd(x, full_matrices=False)
    k = int((sigma > least * sigma[0]).sum()) if sigma[0] > 0 else 0
    return u[:, :k], sigma[:k], vt[:k]


def polar(x):
    """The polar factor over the directions above 1e-8 of the first."""
    u, _, vt = thin_svd(x, 1e-8)
    return u @ vt
