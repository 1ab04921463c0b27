// The true sum, in the plainest way: every ΔW written out in f64 and added up.

import { read } from "./safetensors.mjs";

/** Module → { up, down, alpha } of a file in any spelling of the tests, under one name per module. */
export function modules(path) {
  const found = new Map();
  for (const [key, tensor] of read(path).tensors) {
    const part = /(down|lora_A)\.weight$/.test(key) ? "down" : /(up|lora_B)\.weight$/.test(key) ? "up" : "alpha";
    const name = key
      .replace(/^(lora_unet_|unet\.|base_model\.model\.)/, "")
      .replace(/\.(lora_)?(up|down)\.weight$|\.lora_[AB]\.weight$|\.alpha$/, "")
      .replace(/[._]lora$/, "")
      .replace(".processor", "")
      .replace(/[._]/g, "_")
      // An old spelling leaves out that the output layer is the first of a list.
      .replace(/to_out$/, "to_out_0");
    found.set(name, { ...found.get(name), [part]: tensor });
  }
  return found;
}

/** ΔW = scale · up · down, out × in. */
export function delta({ up, down, alpha }) {
  const [rank] = down.shape;
  const out = up.shape[0];
  const columns = down.values.length / rank;
  const scale = alpha ? alpha.values[0] / rank : 1;
  const result = new Float64Array(out * columns);
  for (let i = 0; i < out; i++) {
    for (let r = 0; r < rank; r++) {
      const b = scale * up.values[i * rank + r];
      for (let j = 0; j < columns; j++) result[i * columns + j] += b * down.values[r * columns + j];
    }
  }
  return result;
}

/** Σ wᵢ·ΔWᵢ by module. */
export function sum(paths, weights) {
  const total = new Map();
  paths.forEach((path, n) => {
    for (const [name, pair] of modules(path)) {
      const values = delta(pair);
      const so_far = total.get(name) ?? new Float64Array(values.length);
      for (let i = 0; i < values.length; i++) so_far[i] += weights[n] * values[i];
      total.set(name, so_far);
    }
  });
  return total;
}

/** Largest ‖a − b‖/‖b‖ over modules; infinite where the modules are not the same. */
export function distance(a, b) {
  if ([...a.keys()].sort().join() !== [...b.keys()].sort().join()) return Infinity;
  let worst = 0;
  for (const [name, x] of a) {
    const y = b.get(name);
    let error = 0;
    let norm = 0;
    for (let i = 0; i < y.length; i++) {
      error += (x[i] - y[i]) ** 2;
      norm += y[i] ** 2;
    }
    worst = Math.max(worst, Math.sqrt(error / (norm || 1)));
  }
  return worst;
}

/** Every module's ΔW of one file. */
export function deltas(path) {
  return sum([path], [1]);
}
