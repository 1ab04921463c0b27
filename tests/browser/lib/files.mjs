// Files to drop: real adapters where they are, and made-up ones.

import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./site.mjs";
import { write } from "./safetensors.mjs";

const folder = mkdtempSync(join(tmpdir(), "rankweave-"));

/** A place for a file of the tests. */
export const scratch = (name) => join(folder, name);

/** Real trained adapters, or null where they are not on this machine. */
export function real(set, ...names) {
  const paths = names.map((name) => join(root, "../shared/adapters", set, name));
  return paths.every(existsSync) ? paths : null;
}

/** A sample adapter of the page. */
export const sample = (name) => join(root, "www/samples", `${name}.safetensors`);

/** An adapter of `count` square modules with random factors, in PEFT's spelling; `path` is where a module `i` lies. */
export function made(name, options = {}) {
  const { count = 4, width = 64, rank = 4, seed = 1, place = folder, metadata = {}, path: of = own } = options;
  let state = seed >>> 0 || 1;
  const random = (length) => {
    const values = new Float32Array(length);
    for (let i = 0; i < length; i++) {
      // xorshift32
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      values[i] = state / 2 ** 33;
    }
    return values;
  };
  const tensors = [];
  for (let i = 0; i < count; i++) {
    const base = of(i);
    tensors.push([`${base}.lora_A.weight`, [rank, width], random(rank * width)]);
    tensors.push([`${base}.lora_B.weight`, [width, rank], random(rank * width)]);
  }
  const path = join(place, name);
  if (!existsSync(path)) write(path, tensors, metadata);
  return path;
}

const own = (i) => `base_model.model.model.layers.${i}.self_attn.q_proj`;

/** Two adapters that keep two cores busy for some seconds. */
export const heavy = () =>
  [1, 2].map((seed) => made(`heavy-${seed}.safetensors`, { count: 48, width: 2048, rank: 96, seed }));

/** A PEFT folder: the adapter under PEFT's own name, and its configuration. */
export function peftFolder(name, config) {
  const place = scratch(name);
  mkdirSync(place, { recursive: true });
  made("adapter_model.safetensors", { place, seed: 3 });
  writeFileSync(join(place, "adapter_config.json"), JSON.stringify(config));
  writeFileSync(join(place, "README.md"), "# not an adapter\n");
  return place;
}

/** A file that breaks off in the middle of its header. */
export function broken() {
  const path = scratch("broken.safetensors");
  writeFileSync(path, Buffer.concat([Buffer.from([200, 1, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a":{"dtype"')]));
  return path;
}
