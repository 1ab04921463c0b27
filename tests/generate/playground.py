#!/usr/bin/env python3
"""Trains what the playground merges, and writes www/playground/data.

usage (with www/samples/requirements.txt):
       playground.py            trains, writes the base, four adapters, the test images and set.json (seconds)
       playground.py --check    counts again, from the files that are there, and compares with set.json

The network is 64 → 384 → 128 → 10 with ReLU: fc1, fc2, head. Its pictures are the 1797 digits of 8×8 of the UCI set
"Optical Recognition of Handwritten Digits" (E. Alpaydin, C. Kaynak; CC BY 4.0), as scikit-learn has them. 400 are kept
for testing and never trained on. A domain is one way to change a picture:

| domain | picture |
|---|---|
| plain | as it is |
| turned | by 75° to the left, bilinear |
| mirrored | left to right |
| inverted | ink and paper swapped |
| shifted | two pixels down and two to the right, around the edges |

The base has seen plain digits, and of each other domain the same 40 pictures or fewer, so that it knows a little of
each. An adapter of rank 8 on fc1 and fc2 teaches it one domain; half of each batch stays plain. Widths, angles, seeds and
lengths of training were chosen so that methods differ visibly on this set: it shows what methods do, and ranks none.

Seeds are fixed and one thread is used: two runs on one machine write the same bytes; another may differ in last digits.
"""
import json
import os
import pathlib
import sys

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np

import tensorfile

DATA = pathlib.Path(__file__).resolve().parent.parent.parent / "www" / "playground" / "data"
LAYERS = {"fc1": (384, 64), "fc2": (128, 384), "head": (10, 128)}
ADAPTED = ("fc1", "fc2")
RANK, TESTED, BATCH = 8, 400, 32
# Pictures of the changed domains that the base sees, how often, and how long everybody trains.
GLIMPSES, GLIMPSED, BASE_EPOCHS, ADAPTER_EPOCHS = 40, 4, 60, 40


def turned(images, degrees=75):
    """Turned to the left about the middle, bilinear, 0 outside."""
    angle = np.deg2rad(degrees)
    row, column = np.mgrid[0:8, 0:8] - 3.5
    x = np.cos(angle) * column - np.sin(angle) * row + 3.5
    y = np.sin(angle) * column + np.cos(angle) * row + 3.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    padded = np.pad(images, ((0, 0), (3, 3), (3, 3)))
    at = lambda r, c: padded[:, np.clip(r + 3, 0, 13), np.clip(c + 3, 0, 13)]
    upper = at(top, left) * (1 - x + left) + at(top, left + 1) * (x - left)
    lower = at(top + 1, left) * (1 - x + left) + at(top + 1, left + 1) * (x - left)
    return upper * (1 - y + top) + lower * (y - top)


# domain → (title, what was done to a picture, images → images)
DOMAINS = {
    "plain": ("Plain", "as written", lambda images: images),
    "turned": ("Turned", "turned by 75° to the left", turned),
    "mirrored": ("Mirrored", "mirrored, left to right", lambda images: images[:, :, ::-1]),
    "inverted": ("Inverted", "ink and paper swapped", lambda images: 1 - images),
    "shifted": ("Shifted", "moved two pixels down and right, around the edges", lambda images: np.roll(images, (2, 2), (1, 2))),
}
EXPERTS = [domain for domain in DOMAINS if domain != "plain"]


def digits():
    """((training images, labels), (test images, labels)), values 0 to 1, always the same split."""
    from sklearn.datasets import load_digits

    found = load_digits()
    images, labels = found.images / 16, found.target
    order = np.random.default_rng(0).permutation(len(images))
    test, train = order[:TESTED], order[TESTED:]
    return (images[train], labels[train]), (images[test], labels[test])


def forward(model, images):
    """Activations of every layer, the images first, the ten scores last."""
    found = [images.reshape(len(images), -1)]
    for name in LAYERS:
        value = found[-1] @ model[f"{name}.weight"].T + model[f"{name}.bias"]
        found.append(value if name == "head" else np.maximum(value, 0))
    return found


def gradients(model, images, labels):
    """Of the mean cross-entropy, by parameter."""
    activations = forward(model, images)
    scores = activations[-1] - activations[-1].max(1, keepdims=True)
    back = np.exp(scores)
    back /= back.sum(1, keepdims=True)
    back[np.arange(len(labels)), labels] -= 1
    back /= len(labels)
    found = {}
    for at, name in reversed(list(enumerate(LAYERS))):
        found[f"{name}.weight"] = back.T @ activations[at]
        found[f"{name}.bias"] = back.sum(0)
        back = (back @ model[f"{name}.weight"]) * (activations[at] > 0)
    return found


class Adam:
    """Adam with a step that falls evenly to nothing."""

    def __init__(self, step, total):
        self.step, self.total, self.done, self.mean, self.square = step, total, 0, {}, {}

    def update(self, parameters, gradient):
        """One step, in place."""
        self.done += 1
        step = self.step * (1 - self.done / (self.total + 1))
        for name, g in gradient.items():
            mean = self.mean[name] = 0.9 * self.mean.get(name, 0) + 0.1 * g
            square = self.square[name] = 0.999 * self.square.get(name, 0) + 0.001 * g * g
            size = np.sqrt(square / (1 - 0.999**self.done)) + 1e-8
            parameters[name] -= step * mean / (1 - 0.9**self.done) / size


def batches(rng, count, epochs):
    """Which images go into each batch."""
    for _ in range(epochs):
        order = rng.permutation(count)
        for start in range(0, count - BATCH + 1, BATCH):
            yield order[start : start + BATCH]


def train_base(images, labels):
    """The base, rounded to what F16 holds, since that is how it is kept."""
    rng = np.random.default_rng(1001)
    model = {}
    for name, (out, inp) in LAYERS.items():
        model[f"{name}.weight"] = rng.standard_normal((out, inp)) * np.sqrt(2 / inp)
        model[f"{name}.bias"] = np.zeros(out)
    seen = {domain: rng.choice(len(images), GLIMPSES, replace=False) for domain in EXPERTS}
    optimiser = Adam(2e-3, BASE_EPOCHS * (len(images) // BATCH))
    for pick in batches(rng, len(images), BASE_EPOCHS):
        batch, right = images[pick], labels[pick]
        for place in range(GLIMPSED):
            domain = EXPERTS[rng.integers(len(EXPERTS))]
            one = seen[domain][rng.integers(GLIMPSES)]
            batch[place], right[place] = DOMAINS[domain][2](images[one : one + 1])[0], labels[one]
        optimiser.update(model, gradients(model, batch, right))
    return {name: tensorfile.stored(value, "F16") for name, value in model.items()}


def train_adapter(base, images, labels, domain):
    """{module.side: factor}, trained with the base held still."""
    rng = np.random.default_rng(1000 * (2 + EXPERTS.index(domain)))
    factors = {}
    for name in ADAPTED:
        out, inp = LAYERS[name]
        factors[f"{name}.A"] = rng.uniform(-1, 1, (RANK, inp)) / np.sqrt(inp)
        factors[f"{name}.B"] = np.zeros((out, RANK))
    optimiser = Adam(5e-4, ADAPTER_EPOCHS * (len(images) // BATCH))
    for pick in batches(rng, len(images), ADAPTER_EPOCHS):
        batch = images[pick]
        batch[BATCH // 2 :] = DOMAINS[domain][2](batch[BATCH // 2 :])
        changed = plus(base, {name: factors[f"{name}.B"] @ factors[f"{name}.A"] for name in ADAPTED})
        found, step = gradients(changed, batch, labels[pick]), {}
        for name in ADAPTED:
            step[f"{name}.A"] = factors[f"{name}.B"].T @ found[f"{name}.weight"]
            step[f"{name}.B"] = found[f"{name}.weight"] @ factors[f"{name}.A"].T
        optimiser.update(factors, step)
    return factors


def plus(base, deltas):
    """The base with dense deltas added."""
    return base | {f"{name}.weight": base[f"{name}.weight"] + delta for name, delta in deltas.items()}


def right(model, tests):
    """{domain: how many of its pictures are read rightly}."""
    return {
        domain: int((forward(model, tests[domain] / 255)[-1].argmax(1) == tests["labels"]).sum()) for domain in DOMAINS
    }


def counts():
    """Base, experts and mean, from the files as they were written."""
    base = tensorfile.read(DATA / "base.safetensors")[0]
    tests = tensorfile.read(DATA / "test.safetensors")[0]
    deltas = {}
    for domain in EXPERTS:
        found = tensorfile.read(DATA / f"{domain}.safetensors")[0]
        key = "base_model.model.{}.lora_{}.weight".format
        deltas[domain] = {name: found[key(name, "B")] @ found[key(name, "A")] for name in ADAPTED}
    mean = {name: sum(delta[name] for delta in deltas.values()) / len(deltas) for name in ADAPTED}
    return {
        "base": right(base, tests),
        "experts": {domain: right(plus(base, delta), tests) for domain, delta in deltas.items()},
        "mean": right(plus(base, mean), tests),
    }


def write(base, adapters, images, labels):
    """All files but set.json."""
    DATA.mkdir(parents=True, exist_ok=True)
    tensorfile.write(DATA / "base.safetensors", [(n, v, "F16") for n, v in base.items()], {"format": "pt"})
    for domain, factors in adapters.items():
        tensors = [(f"base_model.model.{n}.lora_{s}.weight", factors[f"{n}.{s}"], "F16") for n in ADAPTED for s in "AB"]
        metadata = {
            "format": "pt",
            "modelspec.title": f"{DOMAINS[domain][0]} digits (playground)",
            "modelspec.description": f"Reads digits {DOMAINS[domain][1]}. Rank {RANK}, scale 1, PEFT's spelling.",
            "modelspec.author": "The Rankweave authors",
            "modelspec.license": "CC0-1.0",
            "lora_adapter_metadata": json.dumps({"peft_type": "LORA", "r": RANK, "lora_alpha": RANK}),
        }
        tensorfile.write(DATA / f"{domain}.safetensors", tensors, metadata)
    shades = [(domain, np.round(255 * change(images)), "U8") for domain, (_, _, change) in DOMAINS.items()]
    tensorfile.write(DATA / "test.safetensors", [("labels", labels, "U8"), *shades])


def main():
    if sys.argv[1:] == ["--check"]:
        kept = json.loads((DATA / "set.json").read_text())
        found = counts()
        wrong = [name for name in found if found[name] != kept["right"][name]]
        sys.exit(f"not as in set.json: {', '.join(wrong)}" if wrong else 0)
    (images, labels), (test_images, test_labels) = digits()
    base = train_base(images, labels)
    write(base, {d: train_adapter(base, images, labels, d) for d in EXPERTS}, test_images, test_labels)
    about = [{"id": domain, "title": title, "how": how} for domain, (title, how, _) in DOMAINS.items()]
    kept = {"pictures": TESTED, "layers": list(LAYERS), "domains": about, "experts": EXPERTS, "right": counts()}
    (DATA / "set.json").write_text(json.dumps(kept, indent=1, ensure_ascii=False) + "\n")
    print(json.dumps(kept["right"]))


if __name__ == "__main__":
    main()
