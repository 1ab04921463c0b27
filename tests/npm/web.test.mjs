// The package in Chromium: as plain modules under a strict policy, from another host, and through Vite and esbuild. All
// give the bytes that Node gives.

import { build as esbuild } from "esbuild";
import assert from "node:assert/strict";
import { existsSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { build as viteBuild, createServer as viteServer } from "vite";
import { launch } from "../browser/lib/page.mjs";
import { sample } from "../browser/lib/files.mjs";
import { root } from "../browser/lib/site.mjs";
import { run } from "./lib/app.js";
import { consumer, installed, load } from "./lib/consumer.mjs";
import { host, policy } from "./lib/host.mjs";

const chromium = [process.env.RANKWEAVE_CHROMIUM, "/usr/bin/chromium"].find((path) => path && existsSync(path));
const skip = chromium ? false : "no Chromium";
const samples = join(root, "www/samples");
const page = '<!doctype html><meta charset="utf-8"><title>t</title><script type="module" src="./main.js"></script>';
const strict = { "content-security-policy": policy() };

let browser;
let expected;
before(async () => {
  if (skip) return;
  [browser, expected] = await Promise.all([launch(), run(await load(), {}, sample)]);
});
after(() => browser?.close());

/** A folder of the project with a page, its program, and what that shares. */
function project(name, main) {
  const folder = join(consumer, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "index.html"), page);
  writeFileSync(join(folder, "main.js"), main);
  copyFileSync(join(import.meta.dirname, "lib/app.js"), join(folder, "app.js"));
  return folder;
}

/** Opens a page and gives it to `look`, or compares what came of it. */
async function visit(t, url, look) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const tab = await context.newPage();
  const said = [];
  tab.on("console", (message) => message.type() === "error" && said.push(message.text()));
  tab.on("pageerror", (error) => said.push(String(error)));
  await tab.goto(url);
  await tab.waitForFunction(() => globalThis.done, null, { timeout: 15_000 }).catch((error) => assert.fail(`${said.join("\n")}\n${error}`));
  if (look) return look(tab);
  assert.deepEqual(await tab.evaluate(() => globalThis.done), expected, said.join("\n"));
}

async function served(t, folders, headers) {
  const server = await host([...folders, samples], headers);
  t.after(server.close);
  return server.url;
}

const app = 'import * as rankweave from "rankweave";\nimport { start } from "./app.js";\nstart(rankweave);';
const plain = 'import * as rankweave from "/node_modules/rankweave/index.js";\nimport { start } from "./app.js";\n';

test("plain modules from a host of files, under a strict policy", { skip }, async (t) => {
  const folder = project("plain", `${plain}start(rankweave);`);
  await visit(t, await served(t, [folder, consumer], strict));
});

test("plain modules where no worker may be made of a blob", { skip }, async (t) => {
  const worker = '() => new Worker("/node_modules/rankweave/worker.js", { type: "module" })';
  const folder = project("strict", `${plain}start(rankweave, { worker: ${worker} });`);
  await visit(t, await served(t, [folder, consumer], { "content-security-policy": policy("'self'") }));
});

test("plain modules from another host", { skip }, async (t) => {
  const far = await served(t, [dirname(installed)], { "access-control-allow-origin": "*" });
  const folder = project("far", plain.replace("/node_modules/", far) + "start(rankweave);");
  await visit(t, await served(t, [folder]));
});

test("through Vite, built", { skip }, async (t) => {
  const folder = project("vite", app);
  await viteBuild({ root: folder, base: "./", logLevel: "warn", configFile: false });
  await visit(t, await served(t, [join(folder, "dist")], strict));
});

test("through Vite, while developing", { skip }, async (t) => {
  const folder = project("vite-dev", app);
  const options = { publicDir: samples, logLevel: "warn", configFile: false, server: { port: 0, host: "127.0.0.1", hmr: false, fs: { allow: [consumer] } } };
  const server = await viteServer({ root: folder, ...options });
  await server.listen();
  t.after(() => server.close());
  await visit(t, server.resolvedUrls.local[0]);
});

test("through esbuild", { skip }, async (t) => {
  const main = app.replace("start(rankweave)", "start(rankweave, { wasmUrl })");
  const folder = project("esbuild", `import wasmUrl from "rankweave/engine.wasm";\n${main}`);
  const out = join(folder, "out");
  await esbuild({ entryPoints: [join(folder, "main.js")], outdir: out, bundle: true, minify: true, format: "esm", loader: { ".wasm": "file" }, logLevel: "warning" });
  copyFileSync(join(folder, "index.html"), join(out, "index.html"));
  await visit(t, await served(t, [out], strict));
});

test("a page's sources, streams, giving up and errors", { skip }, async (t) => {
  const folder = project("sources", `${plain}import { sha256 } from "./app.js";\nglobalThis.sha256 = sha256;\nstart(rankweave);`);
  const url = await served(t, [folder, consumer], strict);
  const found = await visit(t, url, (tab) =>
    tab.evaluate(async () => {
      const { init, recipe, RankweaveError } = globalThis.rankweave;
      const engine = await init({ threads: 2 });
      const bytes = new Uint8Array(await (await fetch("/turned-digits.safetensors")).arrayBuffer());
      const label = "x.safetensors";
      const sources = {
        File: new File([bytes], label),
        ArrayBuffer: bytes.buffer,
        view: bytes.subarray(0),
        stream: new Blob([bytes]).stream(),
        address: new URL("/turned-digits.safetensors", location),
        reader: { size: bytes.length, read: async (at, length) => bytes.slice(at, at + length) },
      };
      const hashes = {};
      for (const [kind, source] of Object.entries(sources)) {
        const adapter = await engine.open(source, { label });
        hashes[kind] = await globalThis.sha256((await engine.merge(recipe([adapter]), [adapter])).blob);
      }
      const adapter = await engine.open(bytes, { label });
      const chunks = [];
      const { summary } = await engine.merge(recipe([adapter]), [adapter], { sink: new WritableStream({ write: (chunk) => void chunks.push(chunk) }) });
      hashes.sink = await globalThis.sha256(new Blob(chunks));
      const why = await engine.open(new Uint8Array(30)).catch((error) => [error instanceof RankweaveError, error.code]);
      const stop = new AbortController();
      const many = await Promise.all(Array.from({ length: 8 }, () => engine.open(bytes, { label })));
      const slow = engine.analyze(many, { exact: true, signal: stop.signal }).catch((error) => error.name);
      const merging = engine.merge(recipe(many, { method: "ties" }), many, { signal: stop.signal, onProgress: () => stop.abort() }).catch((error) => error.name);
      const stopped = [await merging, await slow];
      const after = (await engine.merge(recipe([adapter]), [adapter])).blob.size;
      engine.dispose();
      return { hashes, why, stopped, size: summary.size, after };
    }),
  );
  assert.equal(new Set(Object.values(found.hashes)).size, 1, JSON.stringify(found.hashes));
  assert.deepEqual(found.why, [true, "malformed"]);
  assert.equal(found.stopped[0], "AbortError");
  assert.equal(found.after, found.size);
});
