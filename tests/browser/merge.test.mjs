// The main job: two adapters in, one file out, and it is the true sum.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { made, peftFolder, real, sample, scratch } from "./lib/files.mjs";
import { deltas, distance, sum } from "./lib/naive.mjs";
import { add, drop, dropTransfer, merge, pages, save, weight } from "./lib/page.mjs";
import { read } from "./lib/safetensors.mjs";

const open = pages();
const cli = process.env.RANKWEAVE_CLI;

/** The same merge by the command line, or null where there is none. */
function byCli(t, paths, weights) {
  if (!cli || !existsSync(cli)) {
    t.diagnostic(`skipped: ${t.name}, compared with the command line: no program at RANKWEAVE_CLI`);
    return null;
  }
  const out = scratch(`cli-${Date.now()}.safetensors`);
  execFileSync(cli, ["merge", ...paths, "-o", out, `--weights=${weights.join(",")}`], { stdio: "ignore" });
  return out;
}

async function mergedByPage(page, paths, weights) {
  for (const [i, path] of paths.entries()) await weight(page, path).fill(String(weights[i]));
  const link = await merge(page);
  return save(page, link);
}

function check(t, merged, paths, weights) {
  const off = distance(deltas(merged), sum(paths, weights));
  assert.ok(off < 1e-5, `off the naive sum by ${off}`);
  const other = byCli(t, paths, weights);
  if (other) {
    const apart = distance(deltas(merged), deltas(other));
    assert.ok(apart < 1e-5, `off the command line's file by ${apart}`);
  }
}

test("two real adapters, spelled differently, dropped and merged", async (t) => {
  const paths = real(
    "sd15_diffusers",
    "catundchat-stable-diffusion-v1.5-lora__pytorch_lora_weights.safetensors",
    "huggingface-diffusers__sd-pokemon-model-lora.safetensors",
  );
  if (!paths) return t.skip("the real adapters are not on this machine");
  const page = await open();
  await drop(page, paths);
  for (const path of paths) await weight(page, path).waitFor();
  const merged = await mergedByPage(page, paths, [0.7, -0.3]);
  check(t, merged, paths, [0.7, -0.3]);
  const found = await page.getByRole("group", { name: "Weights asked for and found" }).innerText();
  assert.match(found, /0\.7\s+0\.7\b/);
  assert.match(found, /-0\.3\s+-0\.3\b/);
});

test("two made-up adapters, by a DataTransfer of the page", async (t) => {
  const paths = [made("one.safetensors", { rank: 4, seed: 5 }), made("two.safetensors", { rank: 7, seed: 6 })];
  const page = await open();
  await dropTransfer(page, paths.map((path) => ({ name: basename(path), bytes: readFileSync(path) })));
  for (const path of paths) await weight(page, path).waitFor();
  const merged = await mergedByPage(page, paths, [0.7, -0.3]);
  check(t, merged, paths, [0.7, -0.3]);
});

test("the samples, of three spellings, from the buttons of the empty page", async (t) => {
  const names = ["turned-digits", "inverted-digits", "noisy-digits"];
  const page = await open();
  await page.getByRole("button", { name: "Add all 3" }).click();
  const paths = names.map(sample);
  for (const path of paths) await weight(page, path).waitFor();
  await page.getByLabel("Number type").selectOption("f32");
  const link = await merge(page);
  const merged = await save(page, link);
  assert.ok(read(merged).tensors.size > 0);
  assert.match(await link.getAttribute("download"), /\.safetensors$/);
  const hash = await page.locator(".done dd.mono").nth(1).innerText();
  assert.equal(hash, await sha256(read(merged).data), "the hash shown is not the file's");
});

test("a PEFT folder is one adapter, with its configuration", async () => {
  const folder = peftFolder("mine", { peft_type: "LORA", r: 4, lora_alpha: 8, target_modules: ["q_proj"] });
  const page = await open();
  await drop(page, [folder]);
  await weight(page, "adapter_model.safetensors").waitFor();
  const facts = await page.locator(".card .facts").innerText();
  assert.match(facts, /Alpha\s+8/);
  await page.getByLabel("Key spelling").selectOption("peft");
  await merge(page);
  const config = page.getByRole("link", { name: "adapter_config.json" });
  assert.equal(await config.getAttribute("download"), "adapter_config.json");
});

test("the weight is a number from -10 to 10, and the slider follows", async () => {
  const path = made("one.safetensors", { rank: 4, seed: 5 });
  const page = await open();
  await add(page, [path]);
  const field = weight(page, path);
  await field.fill("-0.35");
  assert.equal(await page.getByRole("slider").first().inputValue(), "-0.35");
  await field.fill("11");
  assert.equal(await field.getAttribute("aria-invalid"), "true");
  await field.blur();
  assert.equal(await field.inputValue(), "-0.35");
});

async function sha256(bytes) {
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return Buffer.from(digest).toString("hex");
}

test("two drops at once add both", async () => {
  const paths = [1, 2].map((seed) => made(`at-once-${seed}.safetensors`, { count: 2, width: 24, rank: 3, seed }));
  const page = await open();
  await page.evaluate((files) => {
    for (const { name, bytes } of files) {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(bytes)], name));
      document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }
  }, paths.map((path) => ({ name: basename(path), bytes: [...readFileSync(path)] })));
  for (const path of paths) await weight(page, path).waitFor();
  await merge(page);
});
