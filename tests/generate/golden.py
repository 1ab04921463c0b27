#!/usr/bin/env python3
"""Writes tests/golden: tiny merges whose right answer is computed here, in float64, from the formula alone.

usage: golden.py            writes every case of cases.py, removes folders that are no longer a case
       golden.py --check    makes them elsewhere and compares with what is there

A case is a folder: the inputs (a.safetensors, b.safetensors, …, each with an adapter_config.json of its name where it
has one), case.json (what to do, and each module's expected rank) and expected.safetensors (the dense delta of each
module, out × columns, F64, by canonical id).

Formulas. ΔW = s·B·A with s = alpha/r, alpha/√r under rsLoRA, 1 without alpha; a k×k convolution's A is
r × in·k·k. Other kinds: see kinds.py. sum, concat: M = Σ wᵢΔWᵢ; every method times λ. mean: M = Σ wᵢΔWᵢ / T, T = adapters that have the module, or
all of them where `divide_by` says so. A rank policy the leading singular values: all above 1e-6 of the first (exact), at most N of them (fixed), or as few as hold the
share p of Σσ² (energy). concat with the exact policy stacks and drops nothing: its rank is Σ rᵢ; so does one
adapter alone at weight 1, which is left as it is. A tensor that is no
factor is kept from the adapter with the largest weight, the first among equals. All other methods: see oracles/.
"""
import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np

import cases
import kinds
import oracles
import spelling
import tensorfile

GOLDEN = pathlib.Path(__file__).resolve().parent.parent / "golden"
NULL = 1e-6


def scale(adapter, module, rank, alpha):
    """s of one module, as its file and its adapter_config.json give it."""
    config = adapter.config
    if config is not None and alpha is None:
        path = module.split(".", 1)[1]
        patterns = config.get("alpha_pattern", {})
        found = [a for key, a in patterns.items() if path == key or path.endswith("." + key)]
        alpha = found[0] if found else config["lora_alpha"]
    if alpha is None:
        return 1.0
    return alpha / (np.sqrt(rank) if config and config.get("use_rslora") else rank)


def deltas(adapter):
    """{module: (dense float64 ΔW, rank)} of what the written file holds."""
    out = {}
    for module, made in adapter.modules.items():
        if isinstance(made, kinds.Made):
            tensors = {ending: tensorfile.stored(value, adapter.dtype) for ending, value in made.tensors.items()}
            out[module] = (made.delta(tensors), made.rank)
            continue
        up, down, alpha = made
        rank = np.shape(down)[0]
        up = tensorfile.stored(up, adapter.dtype).reshape(-1, rank)
        down = tensorfile.stored(down, adapter.dtype).reshape(rank, -1)
        if alpha is not None:
            alpha = float(tensorfile.stored(alpha, adapter.dtype))
        out[module] = (scale(adapter, module, rank, alpha) * up @ down, rank)
    return out


def kept_rank(policy, sigma):
    """How many singular values (descending) a rank policy keeps."""
    if sigma[0] == 0:
        return 0
    numeric = int((sigma > NULL * sigma[0]).sum())
    if policy["mode"] == "fixed":
        return min(policy["value"], numeric)
    if policy["mode"] == "energy":
        share = np.cumsum(sigma**2) / (sigma**2).sum()
        return min(int((share < policy["value"]).sum()) + 1, numeric, policy.get("max", numeric))
    return numeric


def solve(case):
    """({module: dense M}, {module: {rank, energy, recovered}}) from the formulas above."""
    parts = [deltas(adapter) for adapter in case.inputs]
    merged, facts = {}, {}
    answers = {}
    if case.method not in ("sum", "mean", "concat"):
        answers = oracles.merge(oracles.Problem.of(case, parts), case.method)
    for module in dict.fromkeys(m for part in parts for m in part):
        have = [i for i, part in enumerate(parts) if module in part]
        weights = [case.weights[i] for i in have]
        if module.startswith("text_encoder") and case.te_weights is not None:
            weights = [case.te_weights[i] for i in have]
        total = sum(w * parts[i][module][0] for w, i in zip(weights, have))
        if case.method == "mean":
            total = total / (len(case.inputs) if case.params.get("divide_by") == "all" else len(have))
        total = answers.get(module, total) * case.params.get("lambda", 1.0)
        u, sigma, vt = np.linalg.svd(total, full_matrices=False)
        # Cancellation leaves rounding dust in float64: it is zero against what was added up.
        added = sum(abs(w) * np.linalg.norm(parts[i][module][0]) for w, i in zip(weights, have))
        if np.linalg.norm(total) <= 1e-12 * added:
            sigma, total = np.zeros_like(sigma), np.zeros_like(total)
        rank = kept_rank(case.rank, sigma)
        alone = len(case.inputs) == 1 and weights == [1.0]
        if case.rank["mode"] == "exact" and (case.method == "concat" or alone):
            rank, merged[module] = sum(parts[i][module][1] for i in have), total
        else:
            merged[module] = (u[:, :rank] * sigma[:rank]) @ vt[:rank]
        energy = (sigma[:rank] ** 2).sum() / (sigma**2).sum() if sigma[0] else 1.0
        facts[module] = {"rank": rank, "energy": float(energy)}
    return merged, facts


def kept_extras(case):
    """{name of a tensor that is no factor: the file it is kept from}."""
    kept = {}
    for letter, adapter, weight in zip("abcdefgh", case.inputs, case.weights):
        for name in adapter.extras:
            if abs(weight) > kept.get(name, (0, ""))[0]:
                kept[name] = (abs(weight), f"{letter}.safetensors")
    return {name: file for name, (_, file) in kept.items()}


def write(case, folder):
    """Writes one case; returns its size in bytes."""
    folder.mkdir(parents=True)
    inputs = []
    for letter, adapter, weight in zip("abcdefgh", case.inputs, case.weights):
        tensors = []
        for module, made in adapter.modules.items():
            if isinstance(made, kinds.Made):
                base = spelling.base(adapter.dialect, module)
                tensors += [(base + ending, value, adapter.dtype) for ending, value in made.tensors.items()]
                continue
            up, down, alpha = made
            up_name, down_name, alpha_name = spelling.names(adapter.dialect, module)
            tensors += [(down_name, down, adapter.dtype), (up_name, up, adapter.dtype)]
            if alpha is not None:
                tensors.append((alpha_name, np.float64(alpha), adapter.dtype))
        tensors += [(name, value, adapter.dtype) for name, value in adapter.extras.items()]
        tensorfile.write(folder / f"{letter}.safetensors", sorted(tensors, key=lambda t: t[0]), {"format": "pt"})
        entry = {"file": f"{letter}.safetensors", "weight": weight}
        if adapter.config is not None:
            entry["config"] = f"{letter}.adapter_config.json"
            (folder / entry["config"]).write_text(json.dumps(adapter.config, indent=1) + "\n")
        inputs.append(entry)
    if case.te_weights is not None:
        for entry, weight in zip(inputs, case.te_weights):
            entry["te_weight"] = weight
    merged, facts = solve(case)
    text = {
        "title": case.title, "inputs": inputs, "method": case.method, "params": case.params, "rank": case.rank,
        **({"seed": case.seed} if case.seed else {}), "dtype": case.dtype, "tolerance": case.tolerance, "modules": facts, "extras": kept_extras(case),
    }
    (folder / "case.json").write_text(json.dumps(text, indent=1, ensure_ascii=False) + "\n")
    tensorfile.write(folder / "expected.safetensors", [(m, merged[m], "F64") for m in sorted(merged)])
    return sum(path.stat().st_size for path in folder.iterdir())


def same(ours, theirs):
    """Whether two case folders hold the same: inputs to the byte, numbers of the answer within 1e-12."""
    if sorted(p.name for p in ours.iterdir()) != sorted(p.name for p in theirs.iterdir()):
        return False
    for path in ours.iterdir():
        other = theirs / path.name
        if path.name == "expected.safetensors":
            a, b = tensorfile.read(path)[0], tensorfile.read(other)[0]
            if a.keys() != b.keys() or not all(np.allclose(a[k], b[k], rtol=1e-9, atol=1e-12) for k in a):
                return False
        elif path.name == "case.json":
            a, b = (json.loads(p.read_text()) for p in (path, other))
            for module in (*a["modules"].values(), *b["modules"].values()):
                module["energy"] = round(module["energy"], 9)
            if a != b:
                return False
        elif path.read_bytes() != other.read_bytes():
            return False
    return True


def main():
    cases.ALL.update({name: build(cases.Maker(name)) for name, build in oracles.cases().items()})
    with tempfile.TemporaryDirectory() as made:
        made = pathlib.Path(made)
        for name, case in cases.ALL.items():
            size = write(case, made / name)
            print(f"{size:6d} bytes  {name}: {case.title}")
            assert size <= 20_000, f"{name} is larger than 20 KB"
        if sys.argv[1:] == ["--check"]:
            there = {p.name for p in GOLDEN.iterdir()}
            assert there == set(cases.ALL), f"cases differ: {sorted(there ^ set(cases.ALL))}"
            wrong = [name for name in cases.ALL if not same(made / name, GOLDEN / name)]
            assert not wrong, f"not what the formulas give: {wrong}"
            print(f"{len(cases.ALL)} cases agree")
            return
        shutil.rmtree(GOLDEN, ignore_errors=True)
        shutil.copytree(made, GOLDEN)
    print(f"{len(cases.ALL)} cases written")


if __name__ == "__main__":
    main()
