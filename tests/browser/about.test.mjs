// What a file says of itself, as text whatever it says; its hashes, as the command line takes them; how files go
// together, and what to do about it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { heavy, made, real, sample } from "./lib/files.mjs";
import { add, merge, pages, save } from "./lib/page.mjs";
import { read } from "./lib/safetensors.mjs";

const open = pages();
const cli = process.env.RANKWEAVE_CLI;

/** One pixel. */
const pixel =
  "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const telling = {
  "modelspec.title": "Ink wash",
  "modelspec.author": "A. Painter",
  "modelspec.license": "CC-BY-NC-4.0",
  "modelspec.trigger_phrase": "inkwash, brush",
  "modelspec.thumbnail": pixel,
  ss_tag_frequency: JSON.stringify({ "10_ink": { ink: 20, paper: 12, cat: 3 } }),
  ss_num_train_images: "20",
  ss_learning_rate: "0.0001",
  ss_sd_model_name: "base.safetensors",
};

const card = (page, i = 0) => page.locator(".card").nth(i);

async function about(page, i = 0) {
  await card(page, i).getByText("About this file").click();
  const panel = card(page, i).locator(".said");
  await panel.locator(".lines").waitFor();
  return panel;
}

async function hashed(page, i = 0) {
  const panel = await about(page, i);
  await panel.getByRole("button", { name: /^Check hashes/ }).click();
  await panel.locator(".hashes").waitFor();
  return panel;
}

test("a card says what the file is, and its panel what the file says of itself", async () => {
  const page = await open();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  await add(page, [made("told.safetensors", { metadata: telling })]);
  const chips = await card(page).locator(".card > .chips, .chips").first().innerText();
  assert.match(chips, /% sure|Unknown base/);
  assert.match(chips, /Rank 4/);
  assert.match(chips, /No alpha: scale 1/);
  assert.match(await card(page).locator(".note.warn").first().innerText(), /adapter_config\.json[\s\S]*Add the/);
  const panel = await about(page);
  const text = await panel.innerText();
  for (const word of ["Ink wash", "A. Painter", "CC-BY-NC-4.0", "inkwash", "brush", "ink 20", "paper 12", "20 images", "rate 0.0001", "base.safetensors", "9 entries"]) {
    assert.ok(text.includes(word), `${word} is not in\n${text}`);
  }
  const picture = panel.getByRole("img", { name: "Picture in told.safetensors" });
  await page.waitForFunction((img) => img.naturalWidth === 1, await picture.elementHandle());
  await panel.getByRole("button", { name: "Copy trigger words of told.safetensors" }).click();
  await page.getByText("Copied", { exact: true }).waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), "inkwash, brush");
});

test("hostile metadata is text, and only pixels become a picture", async () => {
  const evil = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>";
  const metadata = {
    "modelspec.title": `${evil}\u202egpj`,
    "modelspec.license": evil,
    "modelspec.trigger_phrase": `${evil}, javascript:alert(1)`,
    "modelspec.thumbnail": `data:image/svg+xml;base64,${Buffer.from("<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>").toString("base64")}`,
    "modelspec.description": "x".repeat(100_000),
    ss_tag_frequency: JSON.stringify({ "1_x": Object.fromEntries([[evil, 5], ...Array.from({ length: 3000 }, (_, i) => [`t${i}`, 1])]) }),
    software: evil,
  };
  const page = await open({ width: 375 });
  await add(page, [made("evil.safetensors", { metadata })]);
  const panel = await about(page);
  assert.equal(await panel.locator("img, script, iframe, a").count(), 0);
  const text = await panel.innerText();
  assert.ok(text.includes("<img src=x onerror"), text.slice(0, 400));
  assert.ok(!text.includes("\u202e") && text.length < 30_000, `${text.length} letters`);
  assert.match(text, /and \d+ more tags/);
  assert.notEqual(await page.title(), "owned");
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 375);
});

test("hashes are those of the command line, and are copied whole", async (t) => {
  const page = await open();
  await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
  const path = heavy()[0];
  await add(page, [path]);
  const panel = await hashed(page);
  const row = (name) => panel.locator(".hashes > div").filter({ has: page.locator("dt", { hasText: new RegExp(`^${name}$`) }) });
  const shown = async (name) => row(name).locator("dd > span").innerText();
  const sha256 = Buffer.from(await crypto.subtle.digest("SHA-256", readFileSync(path))).toString("hex");
  assert.equal(await shown("SHA-256"), sha256);
  assert.equal(await shown("AutoV2"), sha256.slice(0, 10).toUpperCase());
  await row("AutoV3").getByRole("button", { name: /^Copy AutoV3/ }).click();
  await page.getByText("Copied", { exact: true }).waitFor({ state: "attached" });
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), await shown("AutoV3"));
  if (!cli || !existsSync(cli)) return t.diagnostic(`skipped: ${t.name}, compared with the command line: no program at RANKWEAVE_CLI`);
  const told = execFileSync(cli, ["hash", path], { encoding: "utf8" });
  for (const name of ["SHA-256", "SHA-256, tensors", "AutoV1", "AutoV2", "AutoV3", "BLAKE3", "CRC32", "kohya legacy"]) {
    const line = told.split("\n").find((line) => line.slice(2, 20).trim() === name);
    assert.equal(await shown(name), line.slice(20).trim(), name);
  }
});

test("reading can be stopped, and nothing else waits for it", async () => {
  const page = await open();
  await add(page, [heavy()[0]]);
  const panel = await about(page);
  await panel.getByRole("button", { name: /^Check hashes/ }).click();
  await panel.getByRole("button", { name: /^Stop reading/ }).click();
  await panel.getByRole("button", { name: /^Check hashes/ }).waitFor();
  assert.equal(await panel.locator(".hashes").count(), 0);
  assert.equal(await page.locator(".trouble").count(), 0);
  await merge(page, 120_000);
});

test("a wrong hash is told on the card and above the form, once the file was read", async () => {
  const metadata = { sshs_model_hash: "12".repeat(32) };
  const page = await open();
  await add(page, [made("wrong.safetensors", { metadata, seed: 21 }), made("plain.safetensors", { seed: 22 })]);
  const row = page.locator(".fit .note").filter({ hasText: "sshs_model_hash" });
  await page.locator(".fit .note").first().waitFor();
  assert.equal(await row.count(), 0);
  const panel = await about(page);
  assert.match(await panel.locator(".claims").innerText(), /not checked/);
  await panel.getByRole("button", { name: /^Check hashes/ }).click();
  await card(page).locator(".chip.bad").waitFor();
  assert.equal(await card(page).locator(".chip.bad").innerText(), "States a wrong hash");
  assert.match(await panel.locator(".claims").innerText(), /sshs_model_hash: wrong/);
  await row.waitFor();
  assert.match(await row.innerText(), /another file[\s\S]*true hashes/);
  await page.getByText("Look before you merge").waitFor();
});

test("files that go together say so, and what differs harmlessly", async () => {
  const page = await open();
  await add(page, [made("one.safetensors", { rank: 4, seed: 5 }), made("two.safetensors", { rank: 7, seed: 6 })]);
  await page.getByText("They go together", { exact: true }).waitFor();
  const rows = await page.locator(".fit .note").allInnerTexts();
  assert.ok(rows.some((row) => row.includes("All 4 modules")) && rows.some((row) => row.includes("(4 and 7)")), rows.join("\n"));
  const cells = await page.locator("table.pairs tbody td").allInnerTexts();
  assert.deepEqual(cells, ["4", "0", "0"]);
});

test("files of other models, sizes and licences say so, each with what to do", async () => {
  const name = (i) => `unet.down_blocks.0.attentions.${i}.transformer_blocks.0.attn1.to_q`;
  const page = await open();
  await add(page, [
    made("sdxl_lightning_4step.safetensors", { path: name, count: 2, width: 320, metadata: { license: "MIT" } }),
    made("wide.safetensors", { path: name, count: 2, width: 640, metadata: { license: "CC-BY-NC-4.0" } }),
  ]);
  await page.getByText("They do not go together").waitFor();
  const text = (await page.locator(".fit .note").allInnerTexts()).join("\n");
  for (const word of ["2 modules", "320×320 and 640×640", "Remove one", "accelerator (Lightning", "Keep it apart", 'states "MIT"', "CC-BY-NC-4.0", "Read the licences"]) {
    assert.ok(text.includes(word), `${word} is not in\n${text}`);
  }
  await page.getByText("2 modules differ in size").click();
  assert.equal(await page.locator(".sizes li").count(), 2);
  await page.getByRole("button", { name: "Remove wide.safetensors" }).click();
  await page.getByText("Worth knowing").waitFor();
});

test("real files of two bases share nothing", async (t) => {
  const first = real("sd15_diffusers", "huggingface-diffusers__sd-pokemon-model-lora.safetensors");
  const second = real("llm_opt", "huggingface-peft__opt350m_regression_0.6.1.safetensors");
  if (!first || !second) return t.skip("the real adapters are not on this machine");
  const page = await open();
  await add(page, [...first, ...second]);
  await page.getByText(/share 0 modules/).waitFor();
});

test("the merged file takes over the metadata that is asked for", async () => {
  const page = await open();
  const paths = [made("told.safetensors", { metadata: telling }), sample("turned-digits")];
  await add(page, paths.slice(0, 1));
  assert.equal(await page.getByLabel("Metadata", { exact: true }).inputValue(), "minimal");
  for (const [mode, title] of [["minimal", undefined], ["merge-tags", undefined], ["keep-first", "0.0001"], ["none", undefined]]) {
    await page.getByLabel("Metadata", { exact: true }).selectOption(mode);
    const merged = read(await save(page, await mergeAnew(page)));
    assert.equal(merged.metadata.ss_learning_rate, title, mode);
    assert.equal(merged.metadata["modelspec.license"], mode === "minimal" || mode === "none" ? undefined : "CC-BY-NC-4.0", mode);
    assert.equal("modelspec.title" in merged.metadata, mode !== "none", mode);
  }
});

/** Merges, and waits until the result is not the one before. */
async function mergeAnew(page) {
  const link = page.getByRole("link", { name: "Save", exact: true });
  const before = (await link.count()) ? await link.getAttribute("href") : null;
  await page.locator(".merge-bar button.primary:enabled").click();
  await page.waitForFunction((before) => (document.querySelector("#save")?.href ?? before) !== before, before);
  return link;
}
