#!/usr/bin/env python3
"""Trains the base and the three sample adapters, and writes everything in this folder that is not a script.

usage: train.py                     trains, writes base.safetensors, the adapters, samples.json, the table in README.md
       train.py --evaluate FILE…    accuracy of the base with a merged adapter, on every domain

The digits are scikit-learn's bundled copy of the UCI set (1797 images of 8×8, Alpaydin and Kaynak). The base has seen
upright digits only; each adapter teaches it one more kind of picture, half of each batch staying upright. Seeds are
fixed and one thread is used, so that two runs on one machine write the same bytes.
"""
import json
import os
import pathlib
import re
import sys

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np
from sklearn.datasets import load_digits

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "tests" / "generate")]
import model
import tensorfile


def noisy(images, rng):
    """Moved by up to one pixel in each direction, one pixel in twenty replaced by a random shade."""
    moved = np.stack([np.roll(i, rng.integers(-1, 2, 2), (0, 1)) for i in images])
    spots = rng.random(moved.shape) < 0.05
    return np.where(spots, rng.random(moved.shape), moved).astype(np.float32)


# domain → (images, rng) → images
DOMAINS = {
    "upright": lambda images, rng: images,
    "turned": lambda images, rng: np.rot90(images, axes=(1, 2)),
    "inverted": lambda images, rng: 1 - images,
    "noisy": noisy,
}

# domain → how its adapter is made and spelled.
ADAPTERS = {
    "turned": {
        "file": "turned-digits.safetensors", "rank": 16, "alpha": 8.0, "dtype": "F16",
        "spelling": "kohya", "title": "Turned digits",
        "description": "Reads digits turned by a quarter to the left. Rank 16, alpha 8, F16, kohya's spelling.",
    },
    "inverted": {
        "file": "inverted-digits.safetensors", "rank": 8, "alpha": 16.0, "dtype": "F32",
        "spelling": "peft", "title": "Inverted digits",
        "description": "Reads digits with ink and paper swapped. Rank 8, alpha 16 in the metadata, F32, PEFT's spelling.",
    },
    "noisy": {
        "file": "noisy-digits.safetensors", "rank": 4, "alpha": None, "dtype": "BF16",
        "spelling": "diffusers", "title": "Noisy digits",
        "description": "Reads shaky, speckled digits. Rank 4, no alpha (scale 1), BF16, the spelling of diffusers.",
    },
}


def data():
    """((training images, labels), (test images, labels)), values 0 to 1, always the same split."""
    digits = load_digits()
    images, labels = (digits.images / 16).astype(np.float32), digits.target
    order = np.random.default_rng(0).permutation(len(images))
    return (images[order[360:]], labels[order[360:]]), (images[order[:360]], labels[order[:360]])


def train_base(images, labels, epochs=60):
    """A base that knows upright digits, rounded to what F16 holds, since that is how it is kept."""
    rng = np.random.default_rng(1)
    base = model.fresh(rng)
    optimiser = model.Adam(3e-3, epochs * (len(images) // 32))
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order) - 31, 32):
            pick = order[start : start + 32]
            value, gradients = model.loss(base, images[pick], labels[pick])
            optimiser.update(base, gradients)
        print(f"base: epoch {epoch + 1} of {epochs}, loss {value:.4f}", file=sys.stderr)
    return {name: tensorfile.stored(value, "F16").astype(np.float32) for name, value in base.items()}


def with_deltas(base, deltas):
    """The base with Σ over (scale, up, down) or dense matrices by module name added."""
    changed = dict(base)
    for name, delta in deltas.items():
        changed[f"{name}.weight"] = (base[f"{name}.weight"] + delta).astype(np.float32)
    return changed


def train_adapter(base, images, labels, domain, epochs=60):
    """{module: (up, down, alpha or None)} as float32, trained with the base held still."""
    how, seed = ADAPTERS[domain], 2 + list(ADAPTERS).index(domain)
    rng = np.random.default_rng(seed)
    factors, scale = {}, {}
    for name, (out, inp) in model.ADAPTED.items():
        rank = how["rank"]
        bound = inp**-0.5
        factors[f"{name}.down"] = rng.uniform(-bound, bound, (rank, inp)).astype(np.float32)
        factors[f"{name}.up"] = np.zeros((out, rank), np.float32)
        scale[name] = np.float32(1 if how["alpha"] is None else how["alpha"] / rank)
    optimiser = model.Adam(4e-3, epochs * (len(images) // 32))
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order) - 31, 32):
            pick = order[start : start + 32]
            batch = np.concatenate([DOMAINS[domain](images[pick[:16]], rng), images[pick[16:]]])
            deltas = {n: s * factors[f"{n}.up"] @ factors[f"{n}.down"] for n, s in scale.items()}
            value, gradients = model.loss(with_deltas(base, deltas), batch, labels[pick])
            step = {}
            for name, s in scale.items():
                g = gradients[f"{name}.weight"]
                step[f"{name}.up"] = s * g @ factors[f"{name}.down"].T
                step[f"{name}.down"] = s * factors[f"{name}.up"].T @ g
            optimiser.update(factors, step)
        print(f"{domain}: epoch {epoch + 1} of {epochs}, loss {value:.4f}", file=sys.stderr)
    return {n: (factors[f"{n}.up"], factors[f"{n}.down"], how["alpha"]) for n in model.ADAPTED}


def tensors_of(domain, adapter):
    """[(name, array, dtype)] in the adapter's own spelling."""
    how, out = ADAPTERS[domain], []
    for name, (up, down, alpha) in adapter.items():
        if how["spelling"] == "kohya":
            base = "lora_transformer_" + name.replace(".", "_")
            out += [(f"{base}.alpha", np.float32(alpha), how["dtype"])]
            out += [(f"{base}.lora_down.weight", down, how["dtype"]), (f"{base}.lora_up.weight", up, how["dtype"])]
        else:
            base = ("base_model.model." if how["spelling"] == "peft" else "transformer.") + name
            out += [(f"{base}.lora_A.weight", down, how["dtype"]), (f"{base}.lora_B.weight", up, how["dtype"])]
    return sorted(out, key=lambda tensor: tensor[0])


def metadata_of(domain):
    """What a reader may show about the file."""
    how = ADAPTERS[domain]
    meta = {
        "format": "pt",
        "modelspec.sai_model_spec": "1.0.1",
        "modelspec.title": how["title"],
        "modelspec.description": how["description"],
        "modelspec.author": "The Rankweave authors",
        "modelspec.license": "CC0-1.0",
        "modelspec.architecture": "rankweave-sample-digits/lora",
        "modelspec.usage_hint": "For the base in base.safetensors of the same folder: a classifier of 8×8 digits.",
        "modelspec.trigger_phrase": f"{domain} digits",
    }
    if how["spelling"] == "kohya":
        meta |= {
            "ss_network_module": "networks.lora", "ss_network_dim": str(how["rank"]),
            "ss_network_alpha": str(how["alpha"]), "ss_base_model_version": "rankweave_sample_digits",
            "ss_output_name": how["file"].removesuffix(".safetensors"),
        }
    if how["spelling"] == "peft":
        config = {"peft_type": "LORA", "r": how["rank"], "lora_alpha": how["alpha"], "use_rslora": False}
        meta["lora_adapter_metadata"] = json.dumps({f"transformer.{key}": value for key, value in config.items()})
    return meta


# Spelled module name → the model's own, whatever the dialect.
_OWN = {name.replace(".", "_"): name for name in model.ADAPTED}


def deltas_of(path):
    """{module: dense ΔW} of an adapter file in any of the three spellings."""
    tensors, metadata = tensorfile.read(path)
    config = json.loads(metadata.get("lora_adapter_metadata", "{}"))
    deltas = {}
    for key, down in tensors.items():
        found = re.fullmatch(r"(.+)\.(lora_A|lora_down)\.weight", key)
        if not found:
            continue
        base, side = found.groups()
        up = tensors[f"{base}.{'lora_B' if side == 'lora_A' else 'lora_up'}.weight"]
        rank = down.shape[0]
        scale = float(tensors.get(f"{base}.alpha", config.get("transformer.lora_alpha", rank))) / rank
        plain = re.sub(r"^(base_model\.model\.)?(transformer\.|lora_transformer_|lora_unet_)?", "", base).replace(".", "_")
        deltas[_OWN[plain]] = scale * up.reshape(-1, rank) @ down.reshape(rank, -1)
    return deltas


def accuracies(parameters, images, labels):
    """{domain: share of test images read rightly}."""
    rng = np.random.default_rng(9)
    return {
        domain: float((model.scores(parameters, change(images, rng))[0].argmax(1) == labels).mean())
        for domain, change in DOMAINS.items()
    }


def total(parts):
    """Σ weight · deltas over [(weight, deltas)]."""
    return {name: sum(weight * deltas[name] for weight, deltas in parts) for name in model.ADAPTED}


def table(base, images, labels):
    """The Markdown table: the base, each adapter alone, exact sums of them."""
    deltas = {domain: deltas_of(HERE / how["file"]) for domain, how in ADAPTERS.items()}
    rows = [("base alone", {})] + [(f"{domain}, weight 1", d) for domain, d in deltas.items()]
    for pair in (("turned", "inverted"), ("turned", "noisy"), ("inverted", "noisy")):
        for weight in (1.0, 0.7):
            rows.append((f"{pair[0]} + {pair[1]}, weights {weight:g}", total([(weight, deltas[d]) for d in pair])))
    rows.append(("all three, weights 0.6", total([(0.6, d) for d in deltas.values()])))
    lines = ["| adapters (exact sum) | " + " | ".join(DOMAINS) + " |", "|---|" + "---|" * len(DOMAINS)]
    for title, change in rows:
        found = accuracies(with_deltas(base, change), images, labels)
        lines.append(f"| {title} | " + " | ".join(f"{100 * found[d]:.1f} %" for d in DOMAINS) + " |")
    return "\n".join(lines)


def write_table(text):
    """Puts `text` between the markers of README.md."""
    readme = HERE / "README.md"
    begin, end = "<!-- accuracy: begin -->", "<!-- accuracy: end -->"
    old = readme.read_text()
    assert old.count(begin) == 1 and old.count(end) == 1, f"{readme} needs one pair of markers"
    head, tail = old.split(begin)[0], old.split(end)[1]
    readme.write_text(f"{head}{begin}\n{text}\n{end}{tail}")


def main():
    train, test = data()
    if sys.argv[1:2] == ["--evaluate"]:
        base = {name: value.astype(np.float32) for name, value in tensorfile.read(HERE / "base.safetensors")[0].items()}
        for path in sys.argv[2:]:
            found = accuracies(with_deltas(base, deltas_of(path)), *test)
            print(path + ": " + ", ".join(f"{domain} {100 * value:.1f} %" for domain, value in found.items()))
        return
    base = train_base(*train)
    tensorfile.write(HERE / "base.safetensors", [(n, v, "F16") for n, v in sorted(base.items())], {"format": "pt"})
    manifest = []
    for domain, how in ADAPTERS.items():
        size = tensorfile.write(
            HERE / how["file"], tensors_of(domain, train_adapter(base, *train, domain)), metadata_of(domain)
        )
        manifest.append({k: how[k] for k in ("file", "title", "description")} | {"size": size})
    (HERE / "samples.json").write_text(json.dumps(manifest, indent=2) + "\n")
    text = table(base, *test)
    write_table(text)
    print(text)


if __name__ == "__main__":
    main()
