// Adapters that depend on the base model: the page asks for it, merges with it, and says what it does without it.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { scratch } from "./lib/files.mjs";
import { deltas } from "./lib/naive.mjs";
import { add, merge, pages, save } from "./lib/page.mjs";
import { write } from "./lib/safetensors.mjs";

const open = pages();
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
function made(tag) {
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

const place = (page) => page.getByLabel("Base checkpoint files", { exact: true });

/** ‖found − wanted‖ / ‖wanted‖ over all modules. */
function off(found, wanted) {
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

test("a base in two files with its index makes a DoRA adapter exact", async () => {
  const { path, shards, index, wanted } = made("dora");
  const page = await open();
  await add(page, [path]);
  await page.locator(".trouble", { hasText: "DoRA" }).waitFor();
  await place(page).setInputFiles([...shards, index]);
  await page.getByText(/^Base: dora-00001-of-00002\.safetensors and 1 more/).waitFor();
  await page.getByText("exact rank", { exact: false }).first().waitFor();
  const merged = await save(page, await merge(page));
  const distance = off(deltas(merged), wanted);
  assert.ok(distance < 1e-5, `off the formula by ${distance}`);
  await page.getByRole("button", { name: "Remove the base", exact: true }).click();
  await page.locator(".trouble", { hasText: "DoRA" }).waitFor();
});

test("a file of the base that is missing is named", async () => {
  const { path, shards } = made("missing");
  const page = await open();
  await add(page, [path]);
  await place(page).setInputFiles([shards[0]]);
  await page.locator(".trouble", { hasText: "missing-00002-of-00002.safetensors" }).waitFor();
});

test("without a base its direction can be merged, and the page says what that is", async () => {
  const { path } = made("direction");
  const page = await open();
  await add(page, [path]);
  await page.getByRole("checkbox", { name: "Merge the direction of direction.safetensors alone", exact: true }).check();
  await page.getByText("magnitudes are left out", { exact: false }).first().waitFor();
  assert.equal(await place(page).count(), 0);
  await merge(page);
});
