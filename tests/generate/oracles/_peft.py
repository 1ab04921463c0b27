"""PEFT's merges of factors: what add_weighted_adapter (0.21) makes of lora_A and lora_B one by one.

With a = √|w·s| of every adapter, and the sign of w·s in lora_A's:

    prune    the int(density·n) largest of each tensor, or a random `density` of it divided by density
    ties     γ = +1 where Σ pruned ≥ 0, else −1, without weights; Σ a·pruned over those with that sign, by their number
    others   Σ a·pruned
"""
import numpy as np

from . import _philox


def merge(problem, prune, elect):
    """M of every module; `prune(part, tensor, lanes, name)` prunes a tensor."""

    def one(name, parts, side):
        lanes = 2**32 if side == "up" else 2**33
        tensors = [part.up / part.scale if side == "up" else part.down for part in parts]
        pruned = np.stack([prune(part, x, lanes + part.adapter, name) for part, x in zip(parts, tensors)])
        whole = np.array([part.weight * part.scale for part in parts])
        weights = np.sqrt(np.abs(whole)) * (np.sign(whole) if side == "down" else 1)
        weighted = weights[:, None, None] * pruned
        if not elect:
            return weighted.sum(axis=0)
        agrees = np.sign(pruned) == np.where(pruned.sum(axis=0) >= 0, 1, -1)
        return (weighted * agrees).sum(axis=0) / np.maximum(agrees.sum(axis=0), 1)

    return {name: one(name, parts, "up") @ one(name, parts, "down") for name, parts in problem.modules.items()}


def largest(problem):
    """Prunes by size."""
    density = problem.params["density"]

    def prune(_part, x, _lane, _name):
        kept = np.argsort(-np.abs(x).ravel())[: int(density * x.size)]
        mask = np.zeros(x.size)
        mask[kept] = 1
        return x * mask.reshape(x.shape)

    return prune


def random(problem):
    """Prunes by chance; PEFT's density is the share that stays."""
    drop = problem.params["drop"]

    def prune(_part, x, lane, name):
        return np.where(_philox.uniform(problem.seed, name, lane, x.shape) < drop, 0.0, x) / (1 - drop)

    return prune
