"""The golden cases: what is merged, and how. The answers are made in golden.py."""
import dataclasses
import zlib

import numpy as np

import kinds

EXACT = {"mode": "exact"}


def fixed(rank):
    """At most `rank` directions."""
    return {"mode": "fixed", "value": rank}


def energy(share, **more):
    """As few directions as hold `share` of the energy."""
    return {"mode": "energy", "value": share, **more}


@dataclasses.dataclass
class Adapter:
    """One input file: {canonical id: (up, down, alpha or None), or one of kinds.py}, all tensors in one dtype."""

    dialect: str
    modules: dict
    dtype: str = "F32"
    config: dict | None = None
    # Tensors that are no factors, by name.
    extras: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Case:
    """One merge."""

    title: str
    inputs: list
    weights: list
    method: str = "sum"
    rank: dict = dataclasses.field(default_factory=lambda: EXACT)
    params: dict = dataclasses.field(default_factory=dict)
    te_weights: list | None = None
    dtype: str = "f32"
    seed: int = 0
    # Largest ‖ours − expected‖ / ‖expected‖ of one module.
    tolerance: float = 2e-6


# Real names, so that layouts have something to map; the shapes are tiny ones of our own.
BLOCK = "unet.down_blocks.0.attentions.0.transformer_blocks.0"
KEY, OUTPUT, NARROW = f"{BLOCK}.attn1.to_k", f"{BLOCK}.attn1.to_out.0", f"{BLOCK}.ff.net.2"
CONV3, CONV1 = "unet.down_blocks.0.resnets.0.conv1", "unet.mid_block.attentions.0.proj_in"
TEXT = "text_encoder.text_model.encoder.layers.0.mlp.fc1"
QUERY, VALUE, DOWN = (f"model.model.layers.3.{n}" for n in ("self_attn.q_proj", "self_attn.v_proj", "mlp.down_proj"))


def config(rank, alpha, **more):
    """An adapter_config.json."""
    return {
        "peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": ["q_proj", "v_proj", "down_proj"],
        "bias": "none", "task_type": "CAUSAL_LM", "base_model_name_or_path": "tiny", **more,
    }


class Maker:
    """Random factors with a spectrum that decays; every case has a stream of its own, named by the case."""

    def __init__(self, name):
        self.rng = np.random.default_rng(zlib.crc32(name.encode()))

    def pair(self, out, inp, rank, kernel=None, alpha=None):
        """(up, down, alpha): linear, or a convolution where `kernel` = (kh, kw) is given."""
        decay = np.arange(1, rank + 1) ** -0.5
        up = self.rng.standard_normal((out, rank)) * decay
        down = self.rng.standard_normal((rank, inp, *(kernel or ()))) / np.sqrt(inp)
        return (up[:, :, None, None] if kernel else up), down, alpha


ALL = {}


def case(build):
    """Registers a function that gets a Maker and returns a Case; the function's name is the case's."""
    name = build.__name__.replace("_", "-")
    ALL[name] = build(Maker(name))
    return build


@case
def sum_exact(make):
    a, b = ({QUERY: make.pair(12, 10, 3), VALUE: make.pair(8, 10, 2)} for _ in "ab")
    return Case("two adapters, their true weighted sum", [Adapter("peft", a), Adapter("peft", b)], [0.7, 0.5])


@case
def sum_one(make):
    a = {QUERY: make.pair(12, 10, 3), VALUE: make.pair(8, 10, 2)}
    return Case("one adapter, weight 1: itself", [Adapter("peft", a)], [1.0])


@case
def sum_five(make):
    parts = [Adapter("peft", {QUERY: make.pair(20, 18, r)}) for r in (1, 2, 3, 4, 2)]
    return Case("five adapters at once", parts, [1.0, 0.9, -0.8, 0.7, 0.6])


@case
def sum_fixed(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 5), VALUE: make.pair(9, 12, 5)}) for _ in "ab"]
    return Case("the best rank 4 of a rank 10 sum", parts, [0.7, 0.5], rank=fixed(4))


@case
def sum_fixed_one(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 4)}) for _ in "abc"]
    return Case("the best rank 1 of three", parts, [0.3, 0.4, 0.5], rank=fixed(1))


@case
def sum_fixed_above_rank(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 3)}) for _ in "ab"]
    return Case("more directions asked for than there are", parts, [1.0, 1.0], rank=fixed(32))


@case
def sum_energy(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 5), VALUE: make.pair(10, 12, 4)}) for _ in "ab"]
    return Case("as few directions as hold nine tenths of the energy", parts, [0.7, 0.5], rank=energy(0.9))


@case
def sum_energy_all(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 3)}) for _ in "ab"]
    return Case("the whole energy: every direction", parts, [0.7, 0.5], rank=energy(1.0))


@case
def sum_energy_capped(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 5)}) for _ in "ab"]
    return Case("energy, but never more than three directions", parts, [0.7, 0.5], rank=energy(0.999, max=3))


@case
def sum_lambda(make):
    parts = [Adapter("peft", {QUERY: make.pair(12, 10, 3)}) for _ in "ab"]
    return Case("the whole sum times λ", parts, [0.7, 0.5], params={"lambda": 1.75})


@case
def mean_exact(make):
    parts = [Adapter("peft", {QUERY: make.pair(12, 10, 3), VALUE: make.pair(8, 10, 2)}) for _ in "abc"]
    return Case("the mean of three", parts, [1.0, 1.0, 1.0], method="mean")


@case
def mean_weighted_fixed(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 5)}) for _ in "ab"]
    return Case("a weighted mean, best rank 3", parts, [0.9, 0.4], method="mean", rank=fixed(3))


@case
def mean_missing_module(make):
    a = {QUERY: make.pair(12, 10, 3), VALUE: make.pair(8, 10, 2)}
    b = {QUERY: make.pair(12, 10, 2)}
    return Case("the mean counts only those that have the module", [Adapter("peft", a), Adapter("peft", b)], [1.0, 1.0],
                method="mean")


@case
def mean_divided_by_all(make):
    a = {QUERY: make.pair(12, 10, 3), VALUE: make.pair(8, 10, 2)}
    b = {QUERY: make.pair(12, 10, 2)}
    return Case("a mean in which a missing module counts as zero", [Adapter("peft", a), Adapter("peft", b)], [1.0, 1.0],
                method="mean", params={"divide_by": "all"})


@case
def concat_stack(make):
    a, b = ({QUERY: make.pair(12, 10, r), VALUE: make.pair(8, 10, r)} for r in (3, 2))
    return Case("stacked factors: rank 3 + 2", [Adapter("peft", a), Adapter("peft", b)], [0.7, -0.4], method="concat")


@case
def concat_keeps_duplicates(make):
    a = {QUERY: make.pair(12, 10, 3)}
    return Case("a stack is not thinned, even of twins", [Adapter("peft", a), Adapter("peft", a)], [0.5, 0.5],
                method="concat")


@case
def mixed_ranks(make):
    a, b, c = ({QUERY: make.pair(16, 14, r), VALUE: make.pair(10, 14, s)} for r, s in ((4, 1), (8, 3), (2, 6)))
    return Case("ranks 4, 8, 2 and 1, 3, 6", [Adapter("peft", m) for m in (a, b, c)], [0.5, 0.25, 1.5])


@case
def rank_above_shape(make):
    a = {QUERY: make.pair(3, 10, 6), VALUE: make.pair(10, 3, 6), DOWN: make.pair(2, 2, 5)}
    b = {QUERY: make.pair(3, 10, 2), VALUE: make.pair(10, 3, 2), DOWN: make.pair(2, 2, 1)}
    return Case("ranks above what the matrix can have", [Adapter("peft", a), Adapter("peft", b)], [1.0, 0.5])


@case
def kohya_alpha(make):
    a, b = ({KEY: make.pair(12, 10, 4, alpha=x), OUTPUT: make.pair(10, 12, 2, alpha=y)} for x, y in ((1, 8), (16, 0.5)))
    return Case("alpha tensors: scales 1/4, 4 and 4, 1/4", [Adapter("kohya", a), Adapter("kohya", b)], [0.7, 0.5])


@case
def kohya_alpha_missing(make):
    a, b = ({KEY: make.pair(12, 10, 4, alpha=x)} for x in (None, 2))
    return Case("no alpha means scale 1", [Adapter("kohya", a), Adapter("kohya", b)], [1.0, 1.0])


@case
def peft_alpha(make):
    a, b = ({QUERY: make.pair(12, 10, 4), VALUE: make.pair(8, 10, 4)} for _ in "ab")
    return Case("lora_alpha of adapter_config.json: scales 4 and 1/2",
                [Adapter("peft", a, config=config(4, 16)), Adapter("peft", b, config=config(4, 2))], [0.7, 0.5])


@case
def peft_patterns(make):
    a = {QUERY: make.pair(12, 10, 2), VALUE: make.pair(8, 10, 4)}
    b = {QUERY: make.pair(12, 10, 4), VALUE: make.pair(8, 10, 4)}
    how = config(4, 8, rank_pattern={"q_proj": 2}, alpha_pattern={"self_attn.q_proj": 6})
    return Case("rank_pattern and alpha_pattern: scales 3 and 2",
                [Adapter("peft", a, config=how), Adapter("peft", b, config=config(4, 4))], [1.0, -0.5])


@case
def peft_rslora(make):
    a, b = ({QUERY: make.pair(12, 10, 4), VALUE: make.pair(8, 10, 4)} for _ in "ab")
    return Case("alpha over the root of the rank: scale 8/√4",
                [Adapter("peft", a, config=config(4, 8, use_rslora=True)), Adapter("peft", b, config=config(4, 8))],
                [0.5, 0.5])


@case
def negative_weight(make):
    parts = [Adapter("kohya", {KEY: make.pair(12, 10, 3, alpha=3)}) for _ in "ab"]
    return Case("one adapter taken away", parts, [0.7, -0.3])


@case
def zero_weight(make):
    parts = [Adapter("kohya", {KEY: make.pair(12, 10, 3, alpha=3)}) for _ in "ab"]
    return Case("weight 0 leaves an adapter out, ranks too", parts, [0.8, 0.0])


@case
def text_encoder_weights(make):
    parts = [Adapter("kohya", {KEY: make.pair(12, 10, 3, alpha=3), TEXT: make.pair(14, 8, 2, alpha=1)}) for _ in "ab"]
    return Case("text encoders have weights of their own", parts, [1.0, 0.5], te_weights=[0.2, -0.7])


@case
def missing_modules(make):
    a = {KEY: make.pair(12, 10, 3), OUTPUT: make.pair(10, 12, 3)}
    b = {KEY: make.pair(12, 10, 2), NARROW: make.pair(9, 16, 2)}
    return Case("modules that only one adapter has", [Adapter("diffusers", a), Adapter("diffusers", b)], [0.7, 0.5])


@case
def conv_3x3(make):
    a, b = ({CONV3: make.pair(10, 4, r, (3, 3), alpha=x)} for r, x in ((3, 1), (2, 4)))
    return Case("a 3×3 convolution", [Adapter("kohya", a), Adapter("kohya", b)], [0.7, 0.5])


@case
def conv_3x3_fixed(make):
    parts = [Adapter("kohya", {CONV3: make.pair(10, 4, 4, (3, 3), alpha=4)}) for _ in "ab"]
    return Case("the best rank 3 of 3×3 convolutions", parts, [0.7, 0.5], rank=fixed(3))


@case
def conv_1x1_flat(make):
    a = {CONV1: make.pair(10, 8, 3, (1, 1), alpha=3)}
    b = {CONV1: make.pair(10, 8, 2, alpha=2)}
    return Case("a 1×1 convolution, flat in one of the files", [Adapter("kohya", a), Adapter("kohya", b)], [0.7, 0.5])


@case
def dialects(make):
    shapes = {KEY: (12, 10), OUTPUT: (10, 12)}
    kohya, procs, lora, b_a = ({m: make.pair(*s, 2, alpha=x) for m, s in shapes.items()} for x in (1, None, None, None))
    return Case("kohya, and three spellings of diffusers",
                [Adapter("kohya", kohya), Adapter("diffusers-procs", procs), Adapter("diffusers-lora", lora),
                 Adapter("diffusers", b_a)], [0.5, 0.6, 0.7, 0.8])


@case
def dialects_text_encoder(make):
    kohya, linear, b_a = ({TEXT: make.pair(14, 8, 2, alpha=x)} for x in (4, None, None))
    return Case("kohya, and two spellings of diffusers, of a text encoder",
                [Adapter("kohya", kohya), Adapter("diffusers-linear", linear), Adapter("diffusers", b_a)], [0.5, 0.6, 0.7])


@case
def dialects_unknown_names(make):
    name = "transformer.strange_part.0.inner_one.gate"
    kohya, b_a = ({name: make.pair(12, 10, 2, alpha=x)} for x in (1, None))
    return Case("kohya with diffusers where no layout knows the names",
                [Adapter("kohya", kohya), Adapter("diffusers", b_a)], [0.5, 0.6])


@case
def dialects_peft(make):
    kohya, peft = ({f"unet.{KEY.split('.', 1)[1]}": make.pair(12, 10, 2, alpha=x)} for x in (1, None))
    return Case("kohya with PEFT", [Adapter("kohya", kohya), Adapter("peft", peft)], [0.5, 0.6])


@case
def adapter_name_in_key(make):
    a, b = ({QUERY: make.pair(12, 10, 2)} for _ in "ab")
    return Case("PEFT keys with and without the adapter's name", [Adapter("peft", a), Adapter("peft-named", b)], [1.0, 1.0])


@case
def half_precision_inputs(make):
    parts = [Adapter("kohya", {KEY: make.pair(12, 10, 3, alpha=x)}, dtype=d)
             for x, d in ((3, "F16"), (0.7, "BF16"), (1, "F32"))]
    return Case("F16, BF16 and F32 inputs", parts, [0.7, 0.5, 0.6])


@case
def half_precision_output(make):
    parts = [Adapter("kohya", {KEY: make.pair(12, 10, 3, alpha=3)}, dtype="F16") for _ in "ab"]
    return Case("rounded to F16", parts, [0.7, 0.5], dtype="f16", tolerance=1e-3)


@case
def brain_float_output(make):
    parts = [Adapter("kohya", {KEY: make.pair(12, 10, 3, alpha=3)}, dtype="BF16") for _ in "ab"]
    return Case("rounded to BF16", parts, [0.7, 0.5], rank=fixed(4), dtype="bf16", tolerance=8e-3)


@case
def untrained(make):
    a = {KEY: make.pair(12, 10, 3), OUTPUT: make.pair(10, 12, 2)}
    b = {m: (np.zeros_like(up), down, alpha) for m, (up, down, alpha) in a.items()}
    return Case("an adapter whose every up factor is zero", [Adapter("diffusers", a), Adapter("diffusers", b)], [0.7, 0.5])


@case
def untrained_alone(make):
    a = {KEY: make.pair(12, 10, 3), OUTPUT: make.pair(10, 12, 2)}
    up, down, alpha = a[OUTPUT]
    a[OUTPUT] = (np.zeros_like(up), down, alpha)
    return Case("a module that is zero everywhere", [Adapter("diffusers", a)], [1.0])


@case
def duplicates(make):
    a = {KEY: make.pair(12, 10, 3)}
    return Case("twins: the sum has the rank of one", [Adapter("diffusers", a), Adapter("diffusers", a)], [0.7, 0.5])


@case
def duplicates_rescaled(make):
    up, down, _ = make.pair(12, 10, 3)
    a, b = {KEY: (up, down, None)}, {KEY: (up * 4, down / 4, None)}
    return Case("twins in another gauge", [Adapter("diffusers", a), Adapter("diffusers", b)], [0.7, 0.5])


@case
def opposites(make):
    a, other = {KEY: make.pair(12, 10, 3), OUTPUT: make.pair(10, 12, 2)}, make.pair(10, 12, 2)
    b = {KEY: a[KEY], OUTPUT: other}
    return Case("an adapter less its twin: nothing is left of one module",
                [Adapter("diffusers", a), Adapter("diffusers", b)], [1.0, -1.0])


@case
def rank_deficient(make):
    up, down, _ = make.pair(12, 10, 4)
    up[:, 3] = up[:, 0] - up[:, 1]
    b = make.pair(12, 10, 2)
    return Case("an up factor with a dependent column", [Adapter("diffusers", {KEY: (up.astype(np.float32), down, None)}),
                Adapter("diffusers", {KEY: b})], [0.7, 0.5], rank=fixed(5))


@case
def nearly_opposite(make):
    up, down, _ = make.pair(12, 10, 3)
    nudge = 1e-3 * make.rng.standard_normal(up.shape)
    a, b = {KEY: (up, down, None)}, {KEY: (up + nudge, down, None)}
    return Case("a small difference of large adapters", [Adapter("diffusers", a), Adapter("diffusers", b)], [1.0, -1.0],
                rank=fixed(3))


@case
def nearly_opposite_truncated(make):
    a = make.pair(12, 10, 3)
    b = tuple(factor + 3e-3 * make.rng.standard_normal(factor.shape) for factor in a[:2])
    return Case("the best rank 4 of a small difference of large adapters",
                [Adapter("diffusers", {KEY: a}), Adapter("diffusers", {KEY: (*b, None)})], [0.7, -0.7], rank=fixed(4))


@case
def concat_fixed(make):
    parts = [Adapter("peft", {QUERY: make.pair(14, 12, 4)}) for _ in "ab"]
    return Case("a stack with a rank to keep is cut as a sum is", parts, [0.7, 0.5], method="concat", rank=fixed(3))


@case
def saved_modules(make):
    head = "base_model.model.classifier.weight"
    a, b = (Adapter("peft", {QUERY: make.pair(12, 10, 3)}, extras={head: make.rng.standard_normal((3, 4))}) for _ in "ab")
    return Case("a trained head is kept from the adapter with the largest weight", [a, b], [0.5, -0.7])


@case
def very_unequal(make):
    a, b = {KEY: make.pair(12, 10, 3)}, {KEY: make.pair(12, 10, 3)}
    b = {KEY: (b[KEY][0] * 1e-4, b[KEY][1], None)}
    return Case("one adapter ten thousand times smaller", [Adapter("diffusers", a), Adapter("diffusers", b)], [1.0, 1.0])


@case
def kinds_locon_tucker(make):
    parts = [Adapter("kohya", {CONV3: kinds.locon_tucker(make.rng, 10, 6, r, (3, 3), 2)}) for r in (2, 3)]
    return Case("two convolutions in Tucker form", parts, [0.7, 0.5])


@case
def kinds_loha_with_lora(make):
    a = {KEY: kinds.loha(make.rng, 14, 12, 2, 1), OUTPUT: kinds.loha(make.rng, 8, 6, 3, 3)}
    b = {KEY: make.pair(14, 12, 3, alpha=1)}
    return Case("LoHa with LoRA; one module is as large as its rank", [Adapter("kohya", a), Adapter("kohya", b)], [0.7, -0.5])


@case
def kinds_loha_tucker(make):
    a = {CONV3: kinds.loha(make.rng, 10, 6, 2, 3, (3, 3))}
    b = {CONV3: make.pair(10, 6, 2, (3, 3), alpha=2)}
    return Case("LoHa of a convolution with LoCon, best rank 4", [Adapter("kohya", a, "F16"), Adapter("kohya", b)],
                [0.7, 0.5], rank=fixed(4))


@case
def kinds_lokr(make):
    halves = ((None, None, 5), (None, 1, 3), (1, None, 2), (1, 2, 4))
    parts = [Adapter("kohya", {KEY: kinds.lokr(make.rng, (2, 3), (6, 4), alpha, first, second)})
             for first, second, alpha in halves]
    return Case("LoKr with whole and with halved factors", parts, [0.2, 0.5, -0.4, 0.3])


@case
def kinds_lokr_with_diff(make):
    a = {CONV3: kinds.lokr(make.rng, (2, 2), (5, 3), 1, None, 2, (3, 3), tucker=True)}
    b = {CONV3: kinds.lokr(make.rng, (2, 2), (5, 3), 7, None, None, (3, 3))}
    c = {CONV3: kinds.diff(make.rng, 10, 6, (3, 3))}
    return Case("LoKr of a convolution with a whole difference, best rank 5",
                [Adapter("kohya", m) for m in (a, b, c)], [0.2, 0.1, 0.3], rank=fixed(5))


@case
def kinds_adalora(make):
    a, b = {QUERY: kinds.adalora(make.rng, 12, 10, 4, 8, 3)}, {QUERY: kinds.adalora(make.rng, 12, 10, 2, 8)}
    how = config(4, 8, peft_type="ADALORA")
    return Case("AdaLoRA, with and without its number of ranks, and LoRA",
                [Adapter("peft", a, config=how), Adapter("peft", b, config=how),
                 Adapter("peft", {QUERY: make.pair(12, 10, 3)})], [0.5, 0.25, 1.0])


def on_factors(make, method, **params):
    """Three adapters of one rank, of several scales and both signs, as PEFT merges them; see oracles/_peft.py."""
    adapters = [{KEY: make.pair(14, 12, 3, alpha=alpha), NARROW: make.pair(9, 12, 3)} for alpha in (3.0, 6.0, 1.5)]
    return Case(f"{method} on factors, as PEFT", [Adapter("kohya", m) for m in adapters], [1.0, 0.7, -0.5], method=method,
                seed=11, params={"space": "factors", **params})


@case
def factors_ties(make):
    return on_factors(make, "ties", density=0.6, variant="peft")


@case
def factors_magnitude_prune(make):
    return on_factors(make, "magnitude-prune", density=0.5)


@case
def factors_dare(make):
    return on_factors(make, "dare", drop=0.3)


@case
def factors_dare_ties(make):
    return on_factors(make, "dare-ties", drop=0.3, variant="peft")
