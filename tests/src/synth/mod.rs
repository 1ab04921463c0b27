//! Full-size adapters with the names and shapes of real trainers' files and random numbers.
//!
//! Factors are 0.02 · normal, and rank slot k is scaled by (k+1)^-½, so that the spectrum decays as a trained one
//! does. Names and shapes come from tables of the architectures; `tests/synth.rs` compares them with lists taken
//! from real files where these are at hand.

mod llama;
mod unet;

use crate::rng::Stream;
use crate::tensors;
use serde_json::json;
use std::io::{self, Write};

/// A family of files that can be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Stable Diffusion 1.5, kohya's spelling: 72 text encoder and 192 UNet modules.
    Sd15,
    /// Stable Diffusion XL, kohya's spelling over diffusers' names: 722 UNet modules.
    Sdxl,
    /// One layer of a language model in PEFT's spelling: 7 modules, alpha in adapter_config.json.
    Llama,
}

/// What one module needs: its base name, and the shape of the weight it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Base name as spelled.
    pub name: String,
    /// Output features.
    pub out: usize,
    /// Input features.
    pub inp: usize,
    /// True for a 1×1 convolution with factors of four axes.
    pub conv: bool,
}

/// How a file is made.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Which names and shapes.
    pub family: Family,
    /// Rank of every module.
    pub rank: usize,
    /// Alpha of every module.
    pub alpha: f64,
    /// `F32`, `F16` or `BF16`.
    pub dtype: &'static str,
    /// Chance.
    pub seed: u64,
}

impl Family {
    /// `sd15`, `sdxl` or `llama`.
    pub fn from_id(id: &str) -> Option<Family> {
        match id {
            "sd15" => Some(Family::Sd15),
            "sdxl" => Some(Family::Sdxl),
            "llama" => Some(Family::Llama),
            _ => None,
        }
    }

    /// Its modules, in the order of their names.
    pub fn targets(self) -> Vec<Target> {
        let mut targets = match self {
            Family::Sd15 => unet::sd15(),
            Family::Sdxl => unet::sdxl(),
            Family::Llama => llama::layer(),
        };
        targets.sort_by(|a, b| a.name.cmp(&b.name));
        targets
    }
}

impl Plan {
    /// Names and shapes of all tensors in file order; `rank` may be any number.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let mut tensors = Vec::new();
        for Target { name, out, inp, conv } in self.family.targets() {
            let tail: &[usize] = if conv { &[1, 1] } else { &[] };
            let (down, up) = ([&[self.rank, inp], tail].concat(), [&[out, self.rank], tail].concat());
            if self.family == Family::Llama {
                tensors.extend([(format!("{name}.lora_A.weight"), down), (format!("{name}.lora_B.weight"), up)]);
            } else {
                tensors.push((format!("{name}.alpha"), vec![]));
                tensors.extend([(format!("{name}.lora_down.weight"), down), (format!("{name}.lora_up.weight"), up)]);
            }
        }
        tensors
    }

    /// The adapter_config.json that belongs to the file, where its spelling has one.
    pub fn config(&self) -> Option<String> {
        (self.family == Family::Llama).then(|| {
            let config = json!({
                "peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": "synthetic",
                "r": self.rank, "lora_alpha": self.alpha, "bias": "none", "target_modules": llama::NAMES,
            });
            format!("{config:#}\n")
        })
    }

    /// Writes the file, tensor by tensor. The same plan writes the same bytes.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        let (mut header, mut end) = (serde_json::Map::new(), 0);
        header.insert("__metadata__".into(), json!({"format": "pt", "synthetic": "true"}));
        let plan = self.tensors();
        for (name, shape) in &plan {
            let start = end;
            end += shape.iter().product::<usize>() * tensors::width(self.dtype);
            let info = json!({"dtype": self.dtype, "shape": shape, "data_offsets": [start, end]});
            header.insert(name.clone(), info);
        }
        let mut text = serde_json::Value::Object(header).to_string().into_bytes();
        text.resize(text.len().next_multiple_of(8), b' ');
        out.write_all(&(text.len() as u64).to_le_bytes())?;
        out.write_all(&text)?;
        for (name, shape) in &plan {
            out.write_all(&self.numbers(name, shape))?;
        }
        Ok(())
    }

    /// The bytes of one tensor.
    fn numbers(&self, name: &str, shape: &[usize]) -> Vec<u8> {
        let mut bytes = Vec::new();
        if shape.is_empty() {
            tensors::encode(self.dtype, self.alpha, &mut bytes);
            return bytes;
        }
        let stream = Stream::named(self.seed, name);
        let (count, row) = (shape.iter().product::<usize>(), shape.iter().product::<usize>() / shape[0]);
        let down = name.ends_with("down.weight") || name.ends_with("A.weight");
        for i in 0..count {
            let slot = if down { i / row } else { i % row };
            let value = 0.02 * stream.normal(i as u64) / ((slot + 1) as f64).sqrt();
            tensors::encode(self.dtype, value, &mut bytes);
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_modules_as_the_real_files_have() {
        let count = |f: Family| f.targets().len();
        assert_eq!((count(Family::Sd15), count(Family::Sdxl), count(Family::Llama)), (264, 722, 7));
    }

    #[test]
    fn a_file_reads_back_with_a_decaying_spectrum() {
        let plan = Plan { family: Family::Llama, rank: 4, alpha: 32.0, dtype: "F16", seed: 5 };
        let mut bytes = Vec::new();
        plan.write(&mut bytes).expect("memory");
        let file = tensors::read(&bytes);
        let down = &file.tensors["base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"];
        assert_eq!(down.shape, [4, 2048]);
        let rms = |row: usize| {
            let row = &down.values[row * 2048..(row + 1) * 2048];
            (row.iter().map(|v| v * v).sum::<f64>() / 2048.0).sqrt()
        };
        assert!((rms(0) - 0.02).abs() < 0.001 && (rms(3) - 0.01).abs() < 0.0005, "{} {}", rms(0), rms(3));
        let up = &file.tensors["base_model.model.model.layers.0.mlp.down_proj.lora_B.weight"];
        let slot = |k: usize| (up.values.iter().skip(k).step_by(4).map(|v| v * v).sum::<f64>() / 2048.0).sqrt();
        assert!((slot(0) - 0.02).abs() < 0.001 && (slot(3) - 0.01).abs() < 0.0005, "{} {}", slot(0), slot(3));
    }
}
