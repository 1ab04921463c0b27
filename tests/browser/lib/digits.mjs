// The playground's network once more, in the plainest way: one picture, one sum at a time.

import { join } from "node:path";
import { read } from "./safetensors.mjs";
import { root } from "./site.mjs";

/** The playground's files. */
export const data = join(root, "www/playground/data");

/** A reader of digits: the base of a file with ΔW by module added; takes 64 bytes. */
export function naive(base, layers, deltas = new Map()) {
  const { tensors } = read(base);
  return (bytes) => {
    let x = Array.from(bytes, (byte) => byte / 255);
    for (const name of layers) {
      const { shape: [out, inp], values } = tensors.get(`${name}.weight`);
      const bias = tensors.get(`${name}.bias`).values;
      const y = [];
      for (let o = 0; o < out; o++) {
        let sum = bias[o];
        for (let i = 0; i < inp; i++) sum += (values[o * inp + i] + (deltas.get(name)?.[o * inp + i] ?? 0)) * x[i];
        y.push(name === layers.at(-1) ? sum : Math.max(0, sum));
      }
      x = y;
    }
    return x.indexOf(Math.max(...x));
  };
}
