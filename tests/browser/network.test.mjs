// The playground's network, from its files alone: it counts what the training script counted, and agrees with sums
// written out one by one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { deltas, network, read, right } from "../../www/playground/network.js";
import { parse } from "../../www/playground/safetensors.js";
import { data, naive } from "./lib/digits.mjs";
import { root } from "./lib/site.mjs";

const file = (name) => parse(new Uint8Array(readFileSync(join(data, `${name}.safetensors`))).buffer);
const set = JSON.parse(readFileSync(join(data, "set.json"), "utf8"));
const base = file("base");
const { tensors } = file("test");
const pictures = (id) => tensors.get(id).values;
const labels = tensors.get("labels").values;

const counted = (changes) => {
  const layers = network(base, set.layers, changes);
  return Object.fromEntries(set.domains.map(({ id }) => [id, right(read(layers, pictures(id)), labels)]));
};

test("base, experts and their mean read as many digits as is recorded", () => {
  const found = set.experts.map((id) => deltas(file(id)));
  assert.deepEqual(counted(new Map()), set.right.base);
  set.experts.forEach((id, i) => assert.deepEqual(counted(found[i]), set.right.experts[id], id));
  const mean = new Map(
    [...found[0]].map(([name, first]) => [name, first.map((_, i) => found.reduce((sum, one) => sum + one.get(name)[i], 0) / found.length)]),
  );
  assert.deepEqual(counted(mean), set.right.mean);
});

test("each expert is the best of its domain, and all of them added up are worse than their mean", () => {
  for (const id of set.experts) {
    const others = [set.right.base, set.right.mean, ...set.experts.filter((e) => e !== id).map((e) => set.right.experts[e])];
    assert.ok(others.every((one) => one[id] < set.right.experts[id][id]), id);
  }
  const all = set.experts.map((id) => deltas(file(id)));
  const sum = new Map([...all[0]].map(([name, first]) => [name, first.map((_, i) => all.reduce((s, one) => s + one.get(name)[i], 0))]));
  const total = (found) => set.experts.reduce((s, id) => s + found[id], 0);
  assert.ok(total(counted(sum)) < total(set.right.base) && total(set.right.base) < total(set.right.mean));
});

test("every picture is read as in sums written out", () => {
  const found = deltas(file("turned"));
  const layers = network(base, set.layers, found);
  const plain = naive(join(data, "base.safetensors"), set.layers, found);
  for (const { id } of set.domains) {
    const own = read(layers, pictures(id));
    for (let n = 0; n < set.pictures; n++) assert.equal(own[n], plain(pictures(id).subarray(64 * n, 64 * n + 64)), `${id}, picture ${n}`);
  }
});

test("a scale is alpha by rank, wherever alpha stands", () => {
  const tensor = (shape, ...values) => ({ shape, values: Float64Array.from(values) });
  const pair = [["m.lora_A.weight", tensor([2, 1], 1, 2)], ["m.lora_B.weight", tensor([1, 2], 3, 5)]];
  const one = (more, metadata = {}) => [...deltas({ tensors: new Map([...pair, ...more]), metadata }).get("m")];
  assert.deepEqual(one([]), [13]);
  assert.deepEqual(one([["m.alpha", tensor([], 4)]]), [26]);
  assert.deepEqual(one([], { lora_adapter_metadata: '{"r":2,"lora_alpha":1}' }), [6.5]);
});

test("all that the playground loads, without the engine, is small", () => {
  const names = ["base", ...set.experts, "test"].map((name) => `${name}.safetensors`);
  const bytes = ["set.json", ...names].reduce((sum, name) => sum + readFileSync(join(data, name)).length, 0);
  assert.ok(bytes < 400_000, `${bytes} bytes`);
  assert.match(readFileSync(join(root, "www/playground/index.html"), "utf8"), /E\. Alpaydin and C\. Kaynak/);
});
