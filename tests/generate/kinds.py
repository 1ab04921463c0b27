"""Modules of other kinds than a plain pair: their tensors, and ΔW by the formula of the kind, in float64."""
import dataclasses
from collections.abc import Callable

import numpy as np


@dataclasses.dataclass
class Made:
    """One module: {ending of the name: array}, and ΔW (out × columns) from what the file holds of them."""

    tensors: dict
    delta: Callable
    # What a stack of it would have.
    rank: int


def _flat(weight):
    return weight.reshape(weight.shape[0], -1)


def _tucker(t, a, b):
    """Σ t[i,j,…]·b[j,r]·a[i,p] as [p, r, …]."""
    return np.einsum("ij...,jr,ip->pr...", t, b, a)


def locon_tucker(rng, out, inp, rank, kernel, alpha):
    """up·mid·down: ΔW[o,i,·,·] = Σ up[o,m]·mid[m,n,·,·]·down[n,i]; the scale is alpha over the rows of down."""
    tensors = {
        ".lora_up.weight": rng.standard_normal((out, rank, 1, 1)),
        ".lora_mid.weight": rng.standard_normal((rank, rank, *kernel)),
        ".lora_down.weight": rng.standard_normal((rank, inp, 1, 1)) / inp,
        ".alpha": np.float64(alpha),
    }

    def delta(t):
        up, down = t[".lora_up.weight"][:, :, 0, 0], t[".lora_down.weight"][:, :, 0, 0]
        weight = np.einsum("om,mnkl,ni->oikl", up, t[".lora_mid.weight"], down)
        return _flat(weight) * t[".alpha"] / rank

    return Made(tensors, delta, rank)


def loha(rng, out, inp, rank, alpha, kernel=None):
    """(w1_a·w1_b)∘(w2_a·w2_b)·alpha/r, in Tucker form where there is a kernel."""
    tensors = {".alpha": np.float64(alpha)}
    for half in "12":
        a, b = rng.standard_normal((out, rank)), rng.standard_normal((rank, inp))
        tensors[f".hada_w{half}_a"] = a.T if kernel else a
        tensors[f".hada_w{half}_b"] = b / np.sqrt(inp)
        if kernel:
            tensors[f".hada_t{half}"] = rng.standard_normal((rank, rank, *kernel))

    def delta(t):
        def half(n):
            a, b = t[f".hada_w{n}_a"], t[f".hada_w{n}_b"]
            return _tucker(t[f".hada_t{n}"], a, b) if kernel else a @ b

        return _flat(half("1") * half("2")) * t[".alpha"] / rank

    return Made(tensors, delta, rank * rank)


def lokr(rng, one, two, alpha, first=None, second=None, kernel=(), tucker=False):
    """kron(w1, w2): w1 of size `one`, w2 of size `two` (and a kernel); `first`, `second` are the ranks of the halves of a
    factor, None where it is whole. Two whole factors have scale 1."""
    size = int(np.prod(kernel, dtype=int))
    tensors = {".alpha": np.float64(alpha)}
    if first is None:
        tensors[".lokr_w1"] = rng.standard_normal(one)
    else:
        tensors[".lokr_w1_a"] = rng.standard_normal((one[0], first))
        tensors[".lokr_w1_b"] = rng.standard_normal((first, one[1]))
    if second is None:
        tensors[".lokr_w2"] = rng.standard_normal((*two, *kernel))
    elif tucker:
        tensors[".lokr_t2"] = rng.standard_normal((second, second, *kernel))
        tensors[".lokr_w2_a"] = rng.standard_normal((second, two[0]))
        tensors[".lokr_w2_b"] = rng.standard_normal((second, two[1]))
    else:
        tensors[".lokr_w2_a"] = rng.standard_normal((two[0], second))
        tensors[".lokr_w2_b"] = rng.standard_normal((second, two[1] * size))

    def delta(t):
        w1 = t[".lokr_w1"] if first is None else t[".lokr_w1_a"] @ t[".lokr_w1_b"]
        if second is None:
            w2 = t[".lokr_w2"]
        elif tucker:
            w2 = _tucker(t[".lokr_t2"], t[".lokr_w2_a"], t[".lokr_w2_b"])
        else:
            w2 = t[".lokr_w2_a"] @ t[".lokr_w2_b"]
        r = second or first
        return np.kron(w1, _flat(w2)) * (t[".alpha"] / r if r else 1.0)

    return Made(tensors, delta, 1)


def adalora(rng, out, inp, rank, alpha, ranks=None):
    """B·(A∘E)·alpha/(ranknum + 1e-5); alpha stands in adapter_config.json."""
    tensors = {
        ".lora_A": rng.standard_normal((rank, inp)) / np.sqrt(inp),
        ".lora_B": rng.standard_normal((out, rank)),
        ".lora_E": rng.standard_normal((rank, 1)),
    }
    if ranks is not None:
        tensors[".ranknum"] = np.float64(ranks)

    def delta(t):
        return t[".lora_B"] @ (t[".lora_A"] * t[".lora_E"]) * alpha / (t.get(".ranknum", rank) + 1e-5)

    return Made(tensors, delta, rank)


def diff(rng, out, inp, kernel=()):
    """The whole difference."""
    return Made({".diff": rng.standard_normal((out, inp, *kernel))}, lambda t: _flat(t[".diff"]), min(out, inp))
