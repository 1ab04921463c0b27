//! How the adapter was trained, as kohya's `ss_*` keys and those who copy them tell it.
//!
//! All values are text; Python's `None` means that there is none. What does not read as what it should be is left out:
//! it is shown, and nothing is computed from it.

use super::combine::object;
use super::described::text;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// The `ss_*` facts that people look for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Training {
    /// `ss_network_module`: the trainer's module, such as `networks.lora`.
    pub network: Option<String>,
    /// `ss_network_dim`, unless it is `Dynamic`.
    pub rank: Option<u64>,
    /// `ss_network_alpha`.
    pub alpha: Option<f64>,
    /// `conv_dim` of `ss_network_args`: rank of convolutions.
    pub convolution_rank: Option<u64>,
    /// `conv_alpha` of `ss_network_args`.
    pub convolution_alpha: Option<f64>,
    /// `ss_num_train_images`.
    pub images: Option<u64>,
    /// `ss_num_reg_images`.
    pub regularisation_images: Option<u64>,
    /// `ss_epoch`: epochs done when it was saved.
    pub epoch: Option<u64>,
    /// `ss_num_epochs`: epochs planned.
    pub epochs: Option<u64>,
    /// `ss_steps`: steps done when it was saved.
    pub step: Option<u64>,
    /// `ss_max_train_steps`: steps planned.
    pub steps: Option<u64>,
    /// `ss_total_batch_size`, else `ss_batch_size_per_device`.
    pub batch_size: Option<u64>,
    /// `ss_resolution`: width and height in pixels.
    pub resolution: Option<[u64; 2]>,
    /// `ss_learning_rate`.
    pub learning_rate: Option<f64>,
    /// `ss_unet_lr`.
    pub model_learning_rate: Option<f64>,
    /// `ss_text_encoder_lr`, where it is one number.
    pub text_encoder_learning_rate: Option<f64>,
    /// `ss_optimizer`.
    pub optimizer: Option<String>,
    /// `ss_lr_scheduler`.
    pub scheduler: Option<String>,
    /// `ss_mixed_precision`: `fp16`, `bf16` or `no`.
    pub precision: Option<String>,
    /// `ss_seed`.
    pub seed: Option<u64>,
    /// `ss_noise_offset`.
    pub noise_offset: Option<f64>,
    /// `ss_min_snr_gamma`.
    pub min_snr_gamma: Option<f64>,
    /// `ss_clip_skip`.
    pub clip_skip: Option<u64>,
    /// `ss_keep_tokens`: how many tags at a caption's start were not shuffled.
    pub keep_tokens: Option<u64>,
    /// `ss_training_comment`.
    pub comment: Option<String>,
    /// `ss_training_started_at`, in seconds since 1970.
    pub started: Option<f64>,
    /// `ss_training_finished_at`, in seconds since 1970.
    pub finished: Option<f64>,
}

/// The training facts in `metadata`; `None` where there are none.
pub(super) fn training(metadata: &BTreeMap<String, String>) -> Option<Training> {
    let words = |key: &str, most: usize| text(metadata, key, most);
    let number = |key: &str| metadata.get(key).and_then(|v| finite(v));
    let count = |key: &str| metadata.get(key).and_then(|v| v.trim().parse::<u64>().ok());
    let arguments = metadata.get("ss_network_args").and_then(|text| object(text)).unwrap_or_default();
    let argument = |key: &str| match arguments.get(key) {
        Some(Value::String(text)) => finite(text),
        other => other.and_then(Value::as_f64),
    };
    let convolution_rank = argument("conv_dim").filter(|n| *n >= 0.0 && n.fract() == 0.0).map(|n| n as u64);
    let found = Training {
        network: words("ss_network_module", 120),
        rank: count("ss_network_dim"),
        alpha: number("ss_network_alpha"),
        convolution_rank,
        convolution_alpha: argument("conv_alpha"),
        images: count("ss_num_train_images"),
        regularisation_images: count("ss_num_reg_images"),
        epoch: count("ss_epoch"),
        epochs: count("ss_num_epochs"),
        step: count("ss_steps"),
        steps: count("ss_max_train_steps"),
        batch_size: count("ss_total_batch_size").or_else(|| count("ss_batch_size_per_device")),
        resolution: metadata.get("ss_resolution").and_then(|v| resolution(v)),
        learning_rate: number("ss_learning_rate"),
        model_learning_rate: number("ss_unet_lr"),
        text_encoder_learning_rate: number("ss_text_encoder_lr"),
        optimizer: words("ss_optimizer", 300),
        scheduler: words("ss_lr_scheduler", 120),
        precision: words("ss_mixed_precision", 40),
        seed: count("ss_seed"),
        noise_offset: number("ss_noise_offset"),
        min_snr_gamma: number("ss_min_snr_gamma"),
        clip_skip: count("ss_clip_skip"),
        keep_tokens: count("ss_keep_tokens"),
        comment: words("ss_training_comment", 1000),
        started: number("ss_training_started_at"),
        finished: number("ss_training_finished_at"),
    };
    (found != Training::default()).then_some(found)
}

fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|x: &f64| x.is_finite())
}

/// `(768, 512)`, `768,512` or `512`.
fn resolution(text: &str) -> Option<[u64; 2]> {
    let mut sides = text.trim().trim_matches(['(', ')', '[', ']']).split(',').map(|n| n.trim().parse::<u64>());
    let width = sides.next()?.ok()?;
    let height = sides.next().unwrap_or(Ok(width)).ok()?;
    sides.next().is_none().then_some([width, height])
}
