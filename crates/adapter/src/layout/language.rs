//! Language models, as PEFT names them.
//!
//! Their depths differ, so there are blocks for 128 layers, more than any has, and no lists of numbers.
//!
//! Llama-like models come with three weights for queries, keys and values, or with one. Its rows are told apart only
//! where all three have as many; with grouped keys and values they depend on numbers of heads that no adapter states.
//! GPT-NeoX, Bloom and Falcon mix the rows head by head, so their fused weights have no parts here.

use super::family::{Fused, Layout, Pair, Rule, Slots, Split, Stack};
use crate::module::Component::Model;

const LAYERS: usize = 128;
const DEPTH: &str = "the model's layers";

const fn stack(letter: &'static str, names: &'static [&'static str], role: &'static str) -> Stack {
    Stack { letter, names, count: LAYERS, depth: DEPTH, role }
}

const fn decoder(names: &'static [&'static str]) -> [Stack; 1] {
    [stack("L", names, "layer")]
}

const LLAMA_STACKS: &[Stack] = &decoder(&["*layers"]);
const H_STACKS: &[Stack] = &decoder(&["*h"]);
const ENCODER_STACKS: &[Stack] = &decoder(&["*encoder_layer", "*transformer_layer"]);
const T5_STACKS: &[Stack] =
    &[stack("E", &["*encoder_block"], "encoder layer"), stack("D", &["*decoder_block"], "decoder layer")];

const QKV: Fused = Fused {
    whole: "*self_attn.qkv_proj",
    parts: &["*self_attn.q_proj", "*self_attn.k_proj", "*self_attn.v_proj"],
    split: Split::Thirds,
};
const GATE_UP: Fused =
    Fused { whole: "*mlp.gate_up_proj", parts: &["*mlp.gate_proj", "*mlp.up_proj"], split: Split::Halves };

/// GPT-2 has no names for the parts; these are ours.
const C_ATTN: Fused = Fused {
    whole: "*attn.c_attn",
    parts: &["*attn.c_attn.q", "*attn.c_attn.k", "*attn.c_attn.v"],
    split: Split::Thirds,
};

const fn rule(pattern: &'static str, confidence: f64) -> Rule {
    Rule::new(Model, pattern, confidence)
}

const fn model(stacks: &'static [Stack], fusions: &'static [Fused], layout: Layout) -> Layout {
    Layout { slots: Slots::Stacks { base: false, stacks }, fusions, pairs: &[] as &[Pair], ..layout }
}

pub(super) const LLAMA: Layout = model(
    LLAMA_STACKS,
    &[QKV, GATE_UP],
    Layout::new(
        "llama",
        "Llama-like decoder (Llama, Mistral, Qwen, Gemma, …)",
        &[
            rule("*layers_#_mlp_gate_proj", 0.85),
            rule("*layers_#_mlp_down_proj", 0.85),
            rule("*layers_#_self_attn_o_proj", 0.8),
            rule("*layers_#_self_attn_q_proj", 0.75),
            rule("*layers_#_self_attn_v_proj", 0.75),
        ],
    ),
);

pub(super) const PHI3: Layout = model(
    LLAMA_STACKS,
    &[QKV, GATE_UP],
    Layout::new(
        "phi3",
        "Phi-3-like decoder",
        &[rule("*layers_#_self_attn_qkv_proj", 0.9), rule("*layers_#_mlp_gate_up_proj", 0.9)],
    ),
);

pub(super) const OPT: Layout =
    model(LLAMA_STACKS, &[], Layout::new("opt", "OPT-like decoder", &[rule("model_decoder_layers_#_*", 0.8)]));

pub(super) const GPT2: Layout =
    model(H_STACKS, &[C_ATTN], Layout::new("gpt2", "GPT-2-like decoder", &[rule("*h_#_attn_c_attn", 0.85)]));

pub(super) const GPT_NEOX: Layout = model(
    LLAMA_STACKS,
    &[],
    Layout::new("gpt-neox", "GPT-NeoX-like decoder", &[rule("*layers_#_attention_query_key_value", 0.85)]),
);

pub(super) const BLOOM: Layout = model(
    H_STACKS,
    &[],
    Layout::new("bloom", "Bloom- or Falcon-like decoder", &[rule("*h_#_self_attention_query_key_value", 0.85)]),
);

pub(super) const T5: Layout =
    model(T5_STACKS, &[], Layout::new("t5", "T5", &[rule("*block_#_layer_#_SelfAttention_*", 0.9)]));

pub(super) const ROBERTA: Layout =
    model(ENCODER_STACKS, &[], Layout::new("roberta", "RoBERTa", &[rule("roberta_encoder_layer_#_*", 0.95)]));

pub(super) const BERT: Layout = model(
    ENCODER_STACKS,
    &[],
    Layout::new(
        "bert",
        "BERT-like encoder",
        &[rule("bert_encoder_layer_#_*", 0.95), rule("*encoder_layer_#_attention_self_*", 0.7)],
    ),
);

pub(super) const DISTILBERT: Layout = model(
    ENCODER_STACKS,
    &[],
    Layout::new("distilbert", "DistilBERT", &[rule("*transformer_layer_#_attention_*_lin", 0.9)]),
);
