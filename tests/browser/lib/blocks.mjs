// Adapters with blocks, and the part of a card that weighs them.

import { basename } from "node:path";
import { scratch } from "./files.mjs";
import { write } from "./safetensors.mjs";

/** Modules that only Stable Diffusion 1 has: in IN01, IN01, M00, OUT03 and BASE. */
const modules = [
  ["lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k", 320, 768],
  ["lora_unet_down_blocks_0_attentions_0_transformer_blocks_0_ff_net_2", 320, 1280],
  ["lora_unet_mid_block_attentions_0_transformer_blocks_0_attn2_to_k", 1280, 768],
  ["lora_unet_up_blocks_1_attentions_0_transformer_blocks_0_attn2_to_v", 1280, 768],
  ["lora_te_text_model_encoder_layers_0_mlp_fc1", 3072, 768],
];

/** Two adapters in kohya's spelling. */
export const unets = () =>
  ["one", "two"].map((name, n) => {
    const path = scratch(`unet-${name}.safetensors`);
    const some = (length, seed) => Float32Array.from({ length }, (_, i) => Math.sin(seed + 0.7 * i + 0.001 * i * i) / 4);
    const tensors = modules.flatMap(([base, out, inp], m) => [
      [`${base}.lora_down.weight`, [4, inp], some(4 * inp, 10 * n + m)],
      [`${base}.lora_up.weight`, [out, 4], some(4 * out, 20 * n - m)],
    ]);
    write(path, tensors);
    return path;
  });

/** Opens the block weights of a file's card. */
export async function openBlocks(page, path) {
  const card = page.locator(".card").filter({ has: page.getByRole("heading", { name: basename(path) }) });
  await card.getByRole("button", { name: /^Block weights/ }).click();
  const part = card.locator(".blocks");
  await part.getByLabel("Preset").waitFor();
  return part;
}
