"""A very small vision transformer in numpy, with its gradients written out.

8×8 digit → sixteen patches of 2×2 → two blocks (attention, then a multilayer perceptron) → mean → ten scores.
Every matrix is reached by its dotted name, so that an adapter can change any of them: W + scale · up · down.
"""
import numpy as np

WIDTH, HEADS, BLOCKS, HIDDEN, PATCH, CLASSES = 48, 4, 2, 192, 2, 10
TOKENS = (8 // PATCH) ** 2

# name → (out, in) of every matrix. Those of the blocks, named as diffusers names them, are what adapters change.
MATRICES = {"pos_embed.proj": (WIDTH, PATCH * PATCH)}
for _block in range(BLOCKS):
    for _name in ("to_q", "to_k", "to_v", "to_out.0"):
        MATRICES[f"transformer_blocks.{_block}.attn.{_name}"] = (WIDTH, WIDTH)
    MATRICES[f"transformer_blocks.{_block}.ff.net.0.proj"] = (HIDDEN, WIDTH)
    MATRICES[f"transformer_blocks.{_block}.ff.net.2"] = (WIDTH, HIDDEN)
MATRICES["proj_out"] = (CLASSES, WIDTH)
ADAPTED = {name: shape for name, shape in MATRICES.items() if name.startswith("transformer_blocks.")}


def fresh(rng):
    """A base with random matrices, zero biases and unit norms."""
    base = {"position": 0.02 * rng.standard_normal((TOKENS, WIDTH))}
    for name, (out, inp) in MATRICES.items():
        base[f"{name}.weight"] = rng.standard_normal((out, inp)) / np.sqrt(inp)
        base[f"{name}.bias"] = np.zeros(out)
    for name in [f"transformer_blocks.{b}.{n}" for b in range(BLOCKS) for n in ("norm1", "norm2")] + ["norm"]:
        base[f"{name}.gain"], base[f"{name}.bias"] = np.ones(WIDTH), np.zeros(WIDTH)
    return {name: value.astype(np.float32) for name, value in base.items()}


def patches(images):
    """(count, 8, 8) with values 0 to 1 → (count, 16, 4), each row one patch in row-major order."""
    side = 8 // PATCH
    cut = images.reshape(-1, side, PATCH, side, PATCH).transpose(0, 1, 3, 2, 4)
    return np.ascontiguousarray(cut.reshape(-1, TOKENS, PATCH * PATCH), dtype=np.float32)


class Tape:
    """One pass forward that remembers how to come back: each step pushes a function from the gradient of its
    output to the gradient of its input, and adds what it finds about parameters to `found`."""

    def __init__(self, parameters):
        self.parameters, self.found = parameters, {}

    def _note(self, name, gradient):
        self.found[name] = self.found.get(name, 0) + gradient

    def linear(self, name, x):
        weight, bias = self.parameters[f"{name}.weight"], self.parameters[f"{name}.bias"]

        def back(g):
            flat = g.reshape(-1, g.shape[-1])
            self._note(f"{name}.weight", flat.T @ x.reshape(-1, x.shape[-1]))
            self._note(f"{name}.bias", flat.sum(0))
            return g @ weight

        return x @ weight.T + bias, back

    def norm(self, name, x):
        gain, bias = self.parameters[f"{name}.gain"], self.parameters[f"{name}.bias"]
        centred = x - x.mean(-1, keepdims=True)
        inverse = 1 / np.sqrt((centred**2).mean(-1, keepdims=True) + np.float32(1e-5))
        unit = centred * inverse

        def back(g):
            self._note(f"{name}.gain", (g * unit).reshape(-1, WIDTH).sum(0))
            self._note(f"{name}.bias", g.reshape(-1, WIDTH).sum(0))
            u = g * gain
            return inverse * (u - u.mean(-1, keepdims=True) - unit * (u * unit).mean(-1, keepdims=True))

        return unit * gain + bias, back

    def gelu(self, x):
        c, k = np.float32(0.7978845608), np.float32(0.044715)
        t = np.tanh(c * (x + k * x**3))
        slope = 0.5 * (1 + t) + 0.5 * x * (1 - t**2) * c * (1 + 3 * k * x**2)
        return 0.5 * x * (1 + t), lambda g: g * slope

    def attention(self, name, x):
        count, depth = x.shape[0], WIDTH // HEADS
        split = lambda y: y.reshape(count, TOKENS, HEADS, depth).transpose(0, 2, 1, 3)
        join = lambda y: y.transpose(0, 2, 1, 3).reshape(count, TOKENS, WIDTH)
        (q, q_back), (k, k_back), (v, v_back) = (self.linear(f"{name}.{n}", x) for n in ("to_q", "to_k", "to_v"))
        q, k, v, root = split(q), split(k), split(v), np.float32(depth**-0.5)
        scores = q @ k.transpose(0, 1, 3, 2) * root
        share = np.exp(scores - scores.max(-1, keepdims=True))
        share /= share.sum(-1, keepdims=True)
        y, y_back = self.linear(f"{name}.to_out.0", join(share @ v))

        def back(g):
            g = split(y_back(g))
            to_share = g @ v.transpose(0, 1, 3, 2)
            to_scores = share * (to_share - (to_share * share).sum(-1, keepdims=True)) * root
            return (
                v_back(join(share.transpose(0, 1, 3, 2) @ g))
                + q_back(join(to_scores @ k))
                + k_back(join(to_scores.transpose(0, 1, 3, 2) @ q))
            )

        return y, back


def scores(parameters, images):
    """(ten scores per image, the function that turns their gradient into gradients of all parameters)."""
    tape = Tape(parameters)
    x, project = tape.linear("pos_embed.proj", patches(images))
    x = x + parameters["position"]
    steps = []
    for b in range(BLOCKS):
        h, norm1 = tape.norm(f"transformer_blocks.{b}.norm1", x)
        h, attention = tape.attention(f"transformer_blocks.{b}.attn", h)
        x = x + h
        h, norm2 = tape.norm(f"transformer_blocks.{b}.norm2", x)
        h, widen = tape.linear(f"transformer_blocks.{b}.ff.net.0.proj", h)
        h, gelu = tape.gelu(h)
        h, narrow = tape.linear(f"transformer_blocks.{b}.ff.net.2", h)
        x = x + h
        steps.append((norm1, attention, norm2, widen, gelu, narrow))
    h, norm = tape.norm("norm", x)
    y, classify = tape.linear("proj_out", h.mean(1))

    def back(g):
        g = norm(np.repeat(classify(g)[:, None] / TOKENS, TOKENS, axis=1))
        for norm1, attention, norm2, widen, gelu, narrow in reversed(steps):
            g = g + norm2(widen(gelu(narrow(g))))
            g = g + norm1(attention(g))
        tape._note("position", g.sum(0))
        project(g)
        return tape.found

    return y, back


def loss(parameters, images, labels):
    """(mean cross entropy, gradients by name)."""
    y, back = scores(parameters, images)
    share = np.exp(y - y.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    rows = np.arange(len(labels))
    value = -np.log(share[rows, labels] + 1e-12).mean()
    share[rows, labels] -= 1
    return value, back(share / np.float32(len(labels)))


class Adam:
    """Adam with a cosine descent of the step length."""

    def __init__(self, rate, steps):
        self.rate, self.steps, self.step, self.first, self.second = rate, steps, 0, {}, {}

    def update(self, values, gradients):
        """Changes `values` in place, for the names that `gradients` has."""
        self.step += 1
        rate = self.rate * 0.5 * (1 + np.cos(np.pi * self.step / self.steps))
        for name, g in gradients.items():
            m = self.first[name] = 0.9 * self.first.get(name, 0) + 0.1 * g
            v = self.second[name] = 0.999 * self.second.get(name, 0) + 0.001 * g * g
            m, v = m / (1 - 0.9**self.step), v / (1 - 0.999**self.step)
            values[name] = (values[name] - rate * m / (np.sqrt(v) + 1e-8)).astype(np.float32)
