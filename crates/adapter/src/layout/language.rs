//! Language models, as PEFT names them, and a few other transformers.

use super::detect::Rule;
use crate::module::Component::Model;

const fn rule(id: &'static str, title: &'static str, pattern: &'static str, confidence: f64) -> Rule {
    Rule::new(id, title, Model, pattern, confidence)
}

const LLAMA: &str = "Llama-like decoder (Llama, Mistral, Qwen, Gemma, …)";

pub(super) const RULES: &[Rule] = &[
    rule("llama", LLAMA, "*layers_#_mlp_gate_proj", 0.85),
    rule("llama", LLAMA, "*layers_#_mlp_down_proj", 0.85),
    rule("llama", LLAMA, "*layers_#_self_attn_o_proj", 0.8),
    rule("llama", LLAMA, "*layers_#_self_attn_q_proj", 0.75),
    rule("llama", LLAMA, "*layers_#_self_attn_v_proj", 0.75),
    rule("phi3", "Phi-3-like decoder", "*layers_#_self_attn_qkv_proj", 0.8),
    rule("opt", "OPT-like decoder", "model_decoder_layers_#_*", 0.8),
    rule("gpt2", "GPT-2-like decoder", "*h_#_attn_c_attn", 0.85),
    rule("gpt-neox", "GPT-NeoX-like decoder", "*layers_#_attention_query_key_value", 0.85),
    rule("bloom", "Bloom- or Falcon-like decoder", "*h_#_self_attention_query_key_value", 0.8),
    rule("t5", "T5", "*block_#_layer_#_SelfAttention_*", 0.9),
    rule("roberta", "RoBERTa", "roberta_encoder_layer_#_*", 0.95),
    rule("bert", "BERT", "bert_encoder_layer_#_*", 0.95),
    rule("bert", "BERT-like encoder", "*encoder_layer_#_attention_self_*", 0.7),
    rule("distilbert", "DistilBERT", "*transformer_layer_#_attention_*_lin", 0.9),
    rule("vit", "Vision transformer", "*encoder_layer_#_attention_attention_*", 0.85),
];
