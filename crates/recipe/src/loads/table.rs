//! The facts: what each program's own source, or a test of it, says. Read in 2026; one comment per row names the place.

use super::thing::{ALPHAS, CONVOLUTION, EMBEDDING, F8, FULL, LOHA, LOKR, OTHERS, PAIR, T5, TEXT, VECTOR};
use rankweave_adapter::DialectId::{self, Comfy, Diffusers, DiffusersProcs, Kohya, Peft, Xlabs};

/// One program, and files of some spellings and families.
pub(super) struct Row {
    pub program: &'static str,
    pub dialects: &'static [DialectId],
    pub families: &'static [&'static str],
    /// Things that it reads.
    pub reads: u16,
    /// Things that it does not read.
    pub lacks: &'static [Lack],
    /// It leaves modules out whatever the file holds; the note says which.
    pub partly: bool,
    /// What should be known in any case, or empty.
    pub note: &'static str,
}

/// Things that a program does not read.
pub(super) struct Lack {
    pub things: u16,
    /// The whole file is refused.
    pub refuses: bool,
    pub says: &'static str,
}

/// ‹Things› are left out, the rest is read.
const fn skips(things: u16, says: &'static str) -> Lack {
    Lack { things, refuses: false, says }
}

/// A file with ‹things› is refused.
const fn refuses(things: u16, says: &'static str) -> Lack {
    Lack { things, refuses: true, says }
}

/// A row without a note.
const fn row(
    program: &'static str,
    dialects: &'static [DialectId],
    families: &'static [&'static str],
    reads: u16,
    lacks: &'static [Lack],
) -> Row {
    Row { program, dialects, families, reads, lacks, partly: false, note: "" }
}

impl Row {
    const fn note(mut self, note: &'static str) -> Row {
        self.note = note;
        self
    }

    const fn partly(mut self, note: &'static str) -> Row {
        self.partly = true;
        self.note(note)
    }
}

/// Everything of the LyCORIS kinds.
const LYCORIS: u16 = LOHA | LOKR | FULL;
/// Every module there is.
const MODULES: u16 = PAIR | CONVOLUTION | LYCORIS | VECTOR | EMBEDDING;

const STABLE: &[&str] = &["sd15", "sd21", "sdxl"];
const LANGUAGE: &[&str] = &["llama", "phi3", "opt", "gpt2", "gpt-neox", "bloom", "t5", "roberta", "bert", "distilbert"];

/// diffusers' converters look at pairs alone and raise for keys that are left.
const NO_LYCORIS: Lack = refuses(LYCORIS | VECTOR, "It reads pairs alone; expand the other modules first.");
const NOT_ITS_NAMES: Lack = refuses(MODULES | TEXT | T5, "It does not know these names.");
const NO_T5: Lack = skips(T5, "T5 is left out.");

pub(super) const ROWS: &[Row] = &[
    // comfy/lora.py: load_lora (lora_up, hada_*, lokr_*, diff, diff_b, w_norm, b_norm, an alpha per module) and the
    // names of model_lora_keys_unet and model_lora_keys_clip.
    row("ComfyUI", &[Kohya], STABLE, PAIR | CONVOLUTION | LYCORIS | VECTOR | TEXT, &[]),
    // The same, and OneTrainer's table of formats and loaders (pull request 1563): flux KOHYA, with and without TE.
    row("ComfyUI", &[Kohya], &["flux1"], PAIR | LYCORIS | VECTOR | TEXT | T5, &[]),
    // The same names; OneTrainer's smoke tests (issue 1544: chroma) and its table (flux2 KOHYA).
    row("ComfyUI", &[Kohya], &["chroma", "flux2"], PAIR | LYCORIS | VECTOR, &[]),
    // OneTrainer's table: hunyuan video KOHYA.
    row("ComfyUI", &[Kohya], &["hunyuan-video"], PAIR, &[]).partly("Only the attention layers are read."),
    // comfy/lora.py: every `diffusion_model.` name of the model itself; OneTrainer's table: flux and flux2 COMFY.
    row(
        "ComfyUI",
        &[Comfy],
        &["flux1", "chroma", "flux2", "sd3", "qwen-image", "z-image", "lumina2", "wan"],
        PAIR | LYCORIS | VECTOR,
        &[],
    ),
    // OneTrainer's table: hunyuan video COMFY.
    row("ComfyUI", &[Comfy], &["hunyuan-video"], PAIR, &[])
        .note("Modules of the time, guidance and text embedders are left out."),
    // comfy/lora.py: U-Net names of diffusers only with `.processor.`; OneTrainer's table: sd 1.5 DIFFUSERS.
    row("ComfyUI", &[Diffusers], STABLE, 0, &[NOT_ITS_NAMES]),
    // comfy/lora.py: `transformer.` names; OneTrainer's table: flux DIFFUSERS with TE.
    row("ComfyUI", &[Diffusers], &["flux1"], PAIR | TEXT, &[NO_T5]),
    // comfy/lora.py: `transformer.` names of SD3 and Qwen-Image.
    row("ComfyUI", &[Diffusers], &["sd3", "qwen-image"], PAIR, &[]),
    // OneTrainer's table: flux2 DIFFUSERS.
    row("ComfyUI", &[Diffusers], &["flux2"], PAIR, &[]).partly("Some layers are left out."),
    // OneTrainer's table: hunyuan video DIFFUSERS.
    row("ComfyUI", &[Diffusers], &["hunyuan-video"], 0, &[NOT_ITS_NAMES]),
    // comfy/lora.py: `….processor.to_q` with `_lora.up.weight`.
    row("ComfyUI", &[DiffusersProcs], STABLE, PAIR, &[]),
    // comfy/lora.py: `base_model.model.` names of SD3.
    row("ComfyUI", &[Peft], &["sd3"], PAIR, &[]),
    // backend/patcher/lora.py: ComfyUI's loader.
    row("Forge", &[Kohya], &["sd15", "sdxl"], PAIR | CONVOLUTION | LYCORIS | TEXT, &[]),
    row("Forge", &[Kohya], &["flux1"], PAIR | TEXT, &[]),
    // extensions-builtin/Lora/networks.py: module_types.
    row("AUTOMATIC1111", &[Kohya], STABLE, PAIR | CONVOLUTION | LYCORIS | TEXT, &[]),
    // backend/patches/layers/utils.py: lora_up, hada_w1_a, lokr_w1, diff; lora_conversions/sd_… and sdxl_….
    row("InvokeAI", &[Kohya], &["sd15", "sdxl"], PAIR | CONVOLUTION | LYCORIS | TEXT, &[]),
    // backend/patches/lora_conversions/formats.py: Kohya, Diffusers; flux_xlabs_lora_conversion_utils.py.
    row("InvokeAI", &[Kohya], &["flux1"], PAIR | TEXT, &[]),
    row("InvokeAI", &[Diffusers, Xlabs], &["flux1"], PAIR, &[]),
    // lora_conversion_utils.py: _convert_non_diffusers_lora_to_diffusers.
    row("diffusers", &[Kohya], &["sdxl"], PAIR | CONVOLUTION | TEXT, &[NO_LYCORIS]),
    // The same; OneTrainer's table: sd 1.5 KOHYA (modules outside the attention need a later version).
    row("diffusers", &[Kohya], &["sd15"], PAIR | TEXT, &[NO_LYCORIS])
        .note("Older versions refuse files with modules outside the attention layers."),
    // lora_conversion_utils.py: _convert_kohya_flux_lora_to_diffusers, which takes CLIP and leaves T5.
    row("diffusers", &[Kohya], &["flux1"], PAIR | TEXT, &[NO_LYCORIS, NO_T5]),
    // lora_conversion_utils.py: _convert_musubi_wan_lora_to_diffusers.
    row("diffusers", &[Kohya], &["wan"], PAIR, &[NO_LYCORIS])
        .note("The file must have every attention and feed-forward module of its blocks."),
    // OneTrainer's table: flux2 KOHYA, hunyuan video KOHYA.
    row("diffusers", &[Kohya], &["flux2", "hunyuan-video"], 0, &[NOT_ITS_NAMES]),
    // lora_pipeline.py: a loader for each; OneTrainer's table: LOHA and LOKR DIFFUSERS do not load.
    row("diffusers", &[Diffusers], &["sd15", "sdxl"], PAIR | CONVOLUTION | TEXT, &[NO_LYCORIS]),
    row("diffusers", &[Diffusers], &["flux1"], PAIR | TEXT, &[NO_LYCORIS, NO_T5]),
    row(
        "diffusers",
        &[Diffusers],
        &["sd3", "flux2", "qwen-image", "wan", "hunyuan-video", "lumina2"],
        PAIR,
        &[NO_LYCORIS],
    ),
    // OneTrainer's table: flux COMFY, flux2 COMFY, hunyuan video COMFY.
    row("diffusers", &[Comfy], &["flux1", "flux2", "hunyuan-video"], 0, &[NOT_ITS_NAMES]),
    // lora_conversion_utils.py: _convert_non_diffusers_wan_lora_to_diffusers; biases become lora_B.bias.
    row("diffusers", &[Comfy], &["wan"], PAIR, &[]),
    // lora_conversion_utils.py: _convert_xlabs_flux_lora_to_diffusers.
    row("diffusers", &[Xlabs], &["flux1"], PAIR, &[]),
    // networks/lora.py; merges and resizers read LoRA and LoCon.
    row("sd-scripts", &[Kohya], STABLE, PAIR | CONVOLUTION | TEXT, &[]),
    // networks/lora_flux.py; networks/flux_merge_lora.py reads and writes fp8_e4m3 and fp8_e5m2.
    row("sd-scripts", &[Kohya], &["flux1"], PAIR | TEXT | T5 | F8, &[]),
    // tuners/lora, tuners/loha, tuners/lokr and their config.py; modules_to_save.
    row("PEFT", &[Peft], LANGUAGE, PAIR | EMBEDDING | LOHA | LOKR | ALPHAS | OTHERS, &[]),
    row("PEFT", &[Peft], &["vit", "sam"], PAIR | ALPHAS | OTHERS, &[]),
    // integrations/peft.py: load_adapter takes LoRA with its configuration.
    row("transformers", &[Peft], LANGUAGE, PAIR | ALPHAS, &[]),
    // lora/peft_helper.py: one r and one lora_alpha for all modules; modules_to_save must be none.
    row(
        "vLLM",
        &[Peft],
        &["llama"],
        PAIR,
        &[
            refuses(OTHERS, "It refuses saved modules."),
            skips(
                ALPHAS,
                "It takes one scale, lora_alpha/r, for all modules; write the file alone to have it in the factors.",
            ),
        ],
    )
    .note("Start it with a --max-lora-rank that is high enough."),
];
