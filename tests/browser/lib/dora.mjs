// DoRA adapters with their base model, and what they change.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { scratch } from "./files.mjs";
import { write } from "./safetensors.mjs";

const [OUT, INP, RANK] = [12, 10, 2];
const LAYERS = [0, 1];
const name = (i) => `model.layers.${i}.self_attn.q_proj`;

/** Numbers that look random and are always the same. */
function numbers(seed, length, middle = 0) {
  let state = seed * 2654435761 >>> 0 || 1;
  return Float32Array.from({ length }, () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return middle + state / 2 ** 32;
  });
}

/** A DoRA adapter, its base in two files with an index, and each module's ΔW = m·V/‖V‖ − W, V = W + B·A. */
export function dora(tag) {
  const [adapter, shards, wanted] = [[], [], []];
  for (const i of LAYERS) {
    const [w, b, a, m] = [numbers(4 * i + 1, OUT * INP), numbers(4 * i + 2, OUT * RANK), numbers(4 * i + 3, RANK * INP), numbers(4 * i + 4, OUT, 1.5)];
    adapter.push([`base_model.model.${name(i)}.lora_A.weight`, [RANK, INP], a]);
    adapter.push([`base_model.model.${name(i)}.lora_B.weight`, [OUT, RANK], b]);
    adapter.push([`base_model.model.${name(i)}.lora_magnitude_vector`, [OUT], m]);
    const path = scratch(`${tag}-0000${i + 1}-of-00002.safetensors`);
    write(path, [[`${name(i)}.weight`, [OUT, INP], w]]);
    shards.push(path);
    const delta = [];
    for (let o = 0; o < OUT; o++) {
      const v = Array.from({ length: INP }, (_, j) => {
        let sum = w[o * INP + j];
        for (let r = 0; r < RANK; r++) sum += b[o * RANK + r] * a[r * INP + j];
        return sum;
      });
      const norm = Math.hypot(...v);
      v.forEach((x, j) => delta.push((x * m[o]) / norm - w[o * INP + j]));
    }
    wanted.push(delta);
  }
  const path = scratch(`${tag}.safetensors`);
  write(path, adapter);
  const index = scratch(`${tag}.safetensors.index.json`);
  const files = shards.map((shard) => shard.split("/").pop());
  writeFileSync(index, JSON.stringify({ weight_map: Object.fromEntries(LAYERS.map((i) => [`${name(i)}.weight`, files[i]])) }));
  return { path, shards, index, wanted };
}

/** ‖found − wanted‖ / ‖wanted‖ over all modules. */
export function off(found, wanted) {
  let [above, below] = [0, 0];
  const all = [...found.keys()].sort();
  assert.equal(all.length, wanted.length);
  all.forEach((key, i) => {
    const values = found.get(key);
    wanted[i].forEach((x, n) => {
      above += (values[n] - x) ** 2;
      below += x ** 2;
    });
  });
  return Math.sqrt(above / below);
}
