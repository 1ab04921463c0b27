"""Löwdin's orthogonalisation."""
import numpy as np

from oracles._scalar import three


def case(make):
    """Rows of all downs at right angles, of their former lengths."""
    return three(make, "factors at right angles, of their former lengths", "lowdin", apart="units")


def merge(problem):
    """(SSᵀ)^(−1/2)·S with the lengths of S's rows, from the eigendecomposition."""

    def one(parts):
        s = np.vstack([part.down for part in parts])
        values, vectors = np.linalg.eigh(s @ s.T)
        apart = (vectors / np.sqrt(values)) @ vectors.T @ s * np.linalg.norm(s, axis=1)[:, None]
        return np.hstack([part.weight * part.up for part in parts]) @ apart

    return problem.each(one)
