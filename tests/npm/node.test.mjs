// The package in Node: every kind of source, the same bytes as the command line, progress, giving up, errors, the end.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, createReadStream, existsSync, openAsBlob, readFileSync, writeFileSync } from "node:fs";
import { open as openFile } from "node:fs/promises";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";
import { dora, off } from "../browser/lib/dora.mjs";
import { unets } from "../browser/lib/blocks.mjs";
import { broken, heavy, made, sample, scratch } from "../browser/lib/files.mjs";
import { deltas, distance, sum } from "../browser/lib/naive.mjs";
import { consumer, installed, load } from "./lib/consumer.mjs";

const { init, recipe, RankweaveError } = await load();
const engine = await init({ threads: 2 });
after(() => engine.dispose());

const samples = ["turned-digits", "inverted-digits", "noisy-digits"].map(sample);
const open = (paths) => Promise.all(paths.map((path) => engine.open(path)));
const bytes = async (blob) => Buffer.from(await blob.arrayBuffer());

async function merged(adapters, settings, options) {
  const { blob } = await engine.merge(recipe(adapters, settings), adapters, options);
  return bytes(blob);
}

/** The same recipe by the command line, or null where there is none. */
function byCli(t, paths, wish) {
  const cli = process.env.RANKWEAVE_CLI;
  if (!cli || !existsSync(cli)) {
    t.skip("no program at RANKWEAVE_CLI");
    return null;
  }
  const [text, out] = [scratch("recipe.json"), scratch("cli.safetensors")];
  writeFileSync(text, JSON.stringify(wish));
  execFileSync(cli, ["merge", ...paths, "--recipe", text, "--gpu", "off", "-o", out], { stdio: "ignore" });
  return out;
}

test("a recipe gives the same bytes as on the command line where nothing is decomposed", async (t) => {
  const adapters = await open(samples);
  for (const settings of [
    { weights: [0.7, -0.3, 1] },
    { weights: [0.7, -0.3, 1], dtype: "f32", keys: "kohya", title: "Three", metadata: "merge-tags" },
    { method: "mean", dtype: "bf16" },
    { method: "concat", keys: "peft" },
  ]) {
    const wish = recipe(adapters, settings);
    const out = byCli(t, samples, wish);
    if (!out) return;
    const { blob } = await engine.merge(wish, adapters);
    assert.ok((await bytes(blob)).equals(readFileSync(out)), `other bytes: ${JSON.stringify(settings)}`);
  }
});

test("elsewhere it gives the same to rounding", async (t) => {
  const adapters = await open(samples);
  for (const settings of [
    { weights: [0.7, -0.3, 1], method: "ties", params: { density: 0.4 }, dtype: "f32" },
    { method: "dare", params: { drop: 0.5 }, seed: 7, dtype: "f32" },
    { method: "knots", rank: 16, dtype: "f32" },
  ]) {
    const wish = recipe(adapters, settings);
    const out = byCli(t, samples, wish);
    if (!out) return;
    const { blob } = await engine.merge(wish, adapters);
    const own = scratch("own.safetensors");
    writeFileSync(own, await bytes(blob));
    const apart = distance(deltas(own), deltas(out));
    assert.ok(apart < 1e-5, `${settings.method}: apart by ${apart}`);
  }
});

test("many tasks and any number of threads give the same bytes, and the true sum", async () => {
  const paths = [1, 2].map((seed) => made(`wide-${seed}.safetensors`, { count: 24, width: 512, rank: 32, seed }));
  const adapters = await open(paths);
  const settings = { weights: [0.5, 2], rank: 16 };
  const seen = [];
  const one = await merged(adapters, settings, { onProgress: (progress) => seen.push(progress) });
  const alone = await init({ threads: 1 });
  const again = await Promise.all(paths.map((path) => alone.open(path)));
  const { blob, report } = await alone.merge(JSON.stringify(recipe(again, settings)), again);
  alone.dispose();
  assert.ok(one.equals(await bytes(blob)));
  assert.equal(report.modules.length, 24);
  // First it is found out what the adapters hold.
  assert.deepEqual(seen.slice(0, 2).map(({ phase }) => phase), ["read", "read"]);
  assert.equal(seen[1].done, seen[1].total);
  assert.ok(seen.slice(2).every(({ phase }) => phase === "merge"));
  assert.deepEqual(seen.at(-1), { phase: "merge", done: 24, total: 24, bytes: 24 * 2 * 16 * 512 * 4 });
  const exact = scratch("exact.safetensors");
  writeFileSync(exact, await merged(adapters, { ...settings, rank: "exact" }));
  assert.ok(distance(deltas(exact), sum(paths, settings.weights)) < 1e-5);
});

test("every kind of source is read", async (t) => {
  const [path] = samples;
  const whole = readFileSync(path);
  const expected = await merged(await open([path]), { weights: [0.5] });
  const server = createServer((_, response) => response.end(whole)).listen(0, "127.0.0.1");
  await new Promise((done) => server.once("listening", done));
  const handle = await openFile(path);
  t.after(() => Promise.all([handle.close(), new Promise((done) => server.close(done))]));
  const asked = [];
  const sources = {
    "file: address": [pathToFileURL(path), basename(path)],
    FileHandle: [handle],
    Buffer: [whole],
    ArrayBuffer: [whole.buffer.slice(whole.byteOffset, whole.byteOffset + whole.length)],
    "shared memory": [new Uint8Array(new SharedArrayBuffer(whole.length)).fill(0).map((_, i) => whole[i])],
    Blob: [await openAsBlob(path)],
    File: [new File([whole], "named.safetensors"), "named.safetensors"],
    stream: [Readable.toWeb(createReadStream(path))],
    "Node's stream": [createReadStream(path)],
    address: [`http://127.0.0.1:${server.address().port}/far/away.safetensors?download=true`, "away.safetensors"],
    reader: [
      {
        size: whole.length,
        async read(offset, length) {
          asked.push([offset, length]);
          return whole.subarray(offset, offset + length);
        },
      },
    ],
  };
  for (const [kind, [source, label]] of Object.entries(sources)) {
    const adapter = await engine.open(source, label ? {} : { label: basename(path) });
    assert.equal(adapter.label, label ?? basename(path), kind);
    assert.equal(adapter.info.size, whole.length, kind);
    const own = await merged([adapter], { weights: [0.5] });
    // The label is written into the file.
    if (!label || label === basename(path)) assert.ok(own.equals(expected), `${kind}: other bytes`);
    adapter.close();
  }
  assert.deepEqual(asked, [[0, whole.length]]);
  assert.equal(whole.length, readFileSync(path).length, "the caller's bytes are still there");
});

test("a stream gets the file and is closed; it is aborted when the merge fails", async () => {
  const adapters = await open(samples.slice(0, 2));
  const chunks = [];
  const ends = [];
  const sink = () => new WritableStream({ write: (chunk) => void chunks.push(chunk), close: () => void ends.push("closed"), abort: (why) => void ends.push(why) });
  const { summary, blob } = await engine.merge(recipe(adapters), adapters, { sink: sink() });
  assert.equal(blob, undefined);
  assert.equal(chunks.reduce((sum, chunk) => sum + chunk.length, 0), summary.size);
  assert.ok(Buffer.concat(chunks).equals(await merged(adapters, {})));
  const error = await engine.merge({ ...recipe(adapters), mix: [] }, adapters, { sink: sink() }).catch((e) => e);
  assert.deepEqual(ends, ["closed", error]);
});

test("giving up ends the work at once, and the engine goes on", async () => {
  const adapters = await open(heavy());
  const why = new Error("enough");
  const stop = new AbortController();
  const began = Date.now();
  const failed = engine.merge(recipe(adapters, { rank: 64 }), adapters, { signal: stop.signal, onProgress: () => stop.abort(why) });
  await assert.rejects(failed, (error) => error === why);
  await assert.rejects(engine.open(samples[0], { signal: AbortSignal.abort() }), { name: "AbortError" });
  await assert.rejects(engine.analyze(adapters, { exact: true, signal: AbortSignal.timeout(50) }), { name: "TimeoutError" });
  assert.ok(Date.now() - began < 20_000, "it went on to the end");
  assert.ok((await merged(await open(samples), {})).length > 0);
});

test("merges that are asked for at once come one after the other", async () => {
  const adapters = await open(samples);
  const [one, two, three] = await Promise.all([0.5, 11, 0.5].map((w) => merged(adapters, { weights: [w, 1, 1] }).catch((e) => e.code)));
  assert.equal(two, "parameter");
  assert.ok(one.equals(three));
});

test("errors say who must act, what, where and what to do", async () => {
  const fails = (promise) => promise.then(() => assert.fail("it was taken"), (error) => error);
  const bad = await fails(engine.open(broken()));
  assert.ok(bad instanceof RankweaveError && bad instanceof Error);
  assert.equal(bad.code, "malformed");
  assert.equal(bad.where.file, "broken.safetensors");
  assert.ok(bad.what && bad.hint && bad.message.includes(bad.what) && bad.message.includes(bad.hint));
  const adapters = await open(samples.slice(0, 2));
  const made = recipe(adapters, { method: "none", weights: [11, 1] });
  const several = await fails(engine.plan(made, adapters));
  assert.equal(several.reasons.length, 2);
  assert.deepEqual(several.reasons.map(({ kind }) => kind), ["parameter", "parameter"]);
  assert.equal((await fails(engine.plan("{", adapters))).code, "malformed");
  assert.equal((await fails(engine.plan(recipe(adapters), adapters.slice(1)))).code, "parameter");
  assert.equal((await fails(engine.open("/not/there.safetensors"))).code, "io");
  assert.equal((await fails(engine.open({ size: 100, read: () => new Uint8Array(3) }))).code, "io");
  assert.ok((await fails(engine.open(5))) instanceof TypeError);
  assert.throws(() => recipe(adapters, { weights: [1] }), TypeError);
  adapters[0].close();
  assert.equal((await fails(engine.merge(made, adapters))).code, "closed");
});

test("a file that was changed after it was opened is not merged", async () => {
  const path = scratch("changed.safetensors");
  copyFileSync(samples[0], path);
  const adapters = await open([path]);
  appendFileSync(path, "x");
  await assert.rejects(merged(adapters, {}), { code: "io", message: /the file was changed after it was opened/ });
});

test("adapters are compared, measured, read whole, and tell of themselves", async () => {
  const adapters = await open(samples);
  const methods = await engine.methods();
  assert.ok(methods.some(({ id, params }) => id === "ties" && params.some(({ name }) => name === "density")));
  const fit = await engine.compare(adapters);
  assert.equal(fit.overlaps.length, 3);
  const shares = [];
  const exact = await engine.analyze(adapters.slice(0, 2), { exact: true, weights: [1, -1], onProgress: ({ done }) => shares.push(done) });
  const sampled = await engine.analyze(adapters.slice(0, 2), { weights: [1, -1], seed: 3 });
  assert.equal(exact.rows, undefined);
  assert.deepEqual([sampled.rows, sampled.seed], [64, 3]);
  assert.ok(Math.abs(exact.total.conflict[0] - sampled.total.conflict[0]) < 0.05);
  assert.equal(shares.at(-1), 1);
  const steps = [];
  const { hashes } = await adapters[0].check({ onProgress: ({ done }) => steps.push(done) });
  assert.match(hashes.find(({ name }) => name === "SHA-256").text, /^[0-9a-f]{64}$/);
  assert.ok(steps.length > 0);
  assert.ok((await adapters[0].about()).lines.length > 0);
  const [unet] = await open(unets().slice(0, 1));
  const values = await unet.blocks("OUTALL");
  assert.equal(values.length, unet.info.blocks.length);
  const plan = await engine.plan(recipe(adapters, { rank: 4 }), adapters);
  assert.equal(plan.rank, 4);
});

test("a recipe is passed on as JSON and as a link, which merge to the same bytes, of the same adapters alone", async () => {
  const adapters = await open(samples.slice(0, 2));
  const wish = { ...recipe(adapters, { weights: [0.5, 2] }), note: "for later" };
  assert.equal(JSON.parse((await engine.share(wish, adapters)).forms[0].text).sources[0].data, undefined);
  const { data, note } = await engine.merge(wish, adapters).then(({ report }) => ({ ...report.recipe.sources[0], note: report.recipe.note }));
  assert.match(data, /^sha256:[0-9a-f]{64}$/);
  assert.equal(note, "for later");
  const { id, link, forms: [{ text: json }] } = await engine.share(wish, adapters, { names: false });
  assert.deepEqual([JSON.parse(json).sources[0].data, JSON.parse(json).sources[0].label], [data, undefined]);
  assert.match(id, /^[a-z2-7]{12}$/);
  const files = await Promise.all([json, link, `https://example.org/#r=${link}`].map(async (text) => bytes((await engine.merge(text, adapters)).blob)));
  assert.ok(files[0].equals(files[1]) && files[0].equals(files[2]));
  assert.equal(distance(...both(files[0], await merged(adapters, { weights: [0.5, 2] }))), 0);
  const others = await open([samples[2], samples[1]]);
  await assert.rejects(engine.merge(link, others), { code: "mismatch", where: { file: basename(samples[2]), key: "/sources/0" }, expected: data });
  assert.ok((await engine.merge(link, others, { anyFiles: true })).blob.size > 0);
});

/** The deltas of two files in memory. */
function both(...files) {
  return files.map((file, i) => {
    const path = scratch(`both-${i}.safetensors`);
    writeFileSync(path, file);
    return deltas(path);
  });
}

test("a base model makes a DoRA adapter exact", async () => {
  const { path, shards, index, wanted } = dora("npm");
  const adapters = await open([path]);
  assert.equal(adapters[0].info.needs_base, 2);
  await assert.rejects(merged(adapters, {}), /DoRA/);
  const base = await engine.base(shards, { index: readFileSync(index, "utf8"), label: "small" });
  const out = scratch("dora-merged.safetensors");
  const { blob, report } = await engine.merge(recipe(adapters, { dtype: "f32" }), adapters, { base });
  writeFileSync(out, await bytes(blob));
  assert.ok(off(deltas(out), wanted) < 1e-5);
  assert.equal(report.recipe.base.label, "small");
  await assert.rejects(engine.plan(recipe(adapters), adapters), /DoRA/, "without it, it is forgotten");
});

test("a PEFT folder's configuration goes in and comes out", async () => {
  const path = made("adapter_model.safetensors", { seed: 3 });
  const adapter = await engine.open(path, { config: { peft_type: "LORA", r: 4, lora_alpha: 8, target_modules: ["q_proj"] } });
  assert.deepEqual([adapter.info.config, adapter.info.alphas], [true, [8]]);
  const { config, summary } = await engine.merge(recipe([adapter]), [adapter]);
  assert.equal(JSON.parse(config).peft_type, "LORA");
  assert.equal(summary.name, "adapter_model.safetensors");
});

test("a worker that is gone is replaced, and what was open still is", async () => {
  const workers = [];
  const worker = () => {
    workers.push(new Worker(join(installed, "lib/node-worker.js")));
    return workers.at(-1);
  };
  const own = await init({ threads: 2, worker });
  const adapters = await Promise.all(heavy().map((path) => own.open(path)));
  const wish = recipe(adapters, { rank: 64 });
  // The desk is the first, then come the hands: all of them, as one that had nothing to do would not be missed.
  const failed = own.merge(wish, adapters, { onProgress: () => workers.slice(1).forEach((hand) => hand.terminate()) });
  await assert.rejects(failed, { name: "RankweaveError", code: "crashed" });
  await workers[0].terminate();
  assert.equal((await own.plan(wish, adapters)).modules, 48);
  const { report } = await own.merge(recipe(adapters), adapters);
  assert.equal(report.modules.length, 48);
  own.dispose();
});

test("after dispose nothing is left", async () => {
  const own = await init({ threads: 1 });
  const adapter = await own.open(samples[0]);
  const going = own.merge(recipe([adapter]), [adapter]).catch((error) => error.code);
  own.dispose();
  assert.equal(await going, "closed");
  await assert.rejects(own.methods(), { code: "closed" });
});

test("the README's example runs, and its program ends by itself", () => {
  const [, text] = readFileSync(join(installed, "README.md"), "utf8").match(/```js\n([\s\S]*?)```/);
  writeFileSync(join(consumer, "example.mjs"), text);
  copyFileSync(samples[0], join(consumer, "one.safetensors"));
  copyFileSync(samples[1], join(consumer, "two.safetensors"));
  const said = execFileSync(process.execPath, ["example.mjs"], { cwd: consumer, encoding: "utf8", timeout: 30_000 });
  assert.match(said, /^12 modules/m);
  assert.match(said, /^[0-9a-f]{64} /m);
  assert.ok(readFileSync(join(consumer, "merged.safetensors")).length > 0);
});
