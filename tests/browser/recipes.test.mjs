// Recipes: the address tells what the page shows, going back undoes, and a link asks for the files that it names.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { inflateRawSync } from "node:zlib";
import { made, scratch } from "./lib/files.mjs";
import { add, card, merge, pages, save, weight } from "./lib/page.mjs";
import { check } from "./lib/axe.mjs";

const open = pages();

const pair = (name) => [1, 2].map((seed) => made(`${name}-${seed}.safetensors`, { count: 2, width: 24, rank: 3, seed: seed + 40 }));

/** The recipe in an address. */
function read(url) {
  const link = new URL(url).hash.match(/[#&]r=1z([^&]+)/)?.[1];
  return link && JSON.parse(inflateRawSync(Buffer.from(link, "base64url")));
}

/** Waits until the address tells such a recipe. */
async function told(page, fits) {
  for (let i = 0; i < 200; i++) {
    const recipe = read(page.url());
    if (fits(recipe)) return recipe;
    await page.waitForTimeout(50);
  }
  assert.fail(`the address tells ${JSON.stringify(read(page.url()))}`);
}

const slots = (page) => page.getByRole("region", { name: "Missing adapters" });

test("the address follows, and going back undoes", async () => {
  const paths = pair("address");
  const page = await open();
  await add(page, paths);
  const first = await told(page, (recipe) => recipe?.sources.length === 2);
  assert.deepEqual(first.sources.map((s) => s.label), paths.map((p) => basename(p)));
  assert.ok(first.sources.every((s) => /^sha256:[0-9a-f]{64}$/.test(s.data)));
  await weight(page, paths[1]).fill("0.35");
  await told(page, (recipe) => recipe?.mix[1].weight === 0.35);
  await page.locator("#method").selectOption("ties");
  await told(page, (recipe) => recipe?.method.id === "ties");
  await page.goBack();
  await told(page, (recipe) => recipe?.method.id === "sum" && recipe.mix[1].weight === 0.35);
  await page.waitForFunction(() => document.getElementById("method").value === "sum");
  await page.goBack();
  await told(page, (recipe) => recipe?.mix[1].weight === undefined);
  await page.waitForFunction((label) => document.querySelector(`[aria-label="${label}"]`)?.value === "1", `Weight of ${basename(paths[1])}`);
  await page.goForward();
  await page.waitForTimeout(300);
  await page.goForward();
  await told(page, (recipe) => recipe?.method.id === "ties");
  await page.waitForFunction(() => document.getElementById("method").value === "ties");
  assert.equal(await weight(page, paths[1]).inputValue(), "0.35");
  // Another adapter goes when its step is undone, and comes again.
  await page.getByRole("button", { name: `Remove ${basename(paths[0])}` }).click();
  await told(page, (recipe) => recipe?.sources.length === 1);
  await page.goBack();
  await told(page, (recipe) => recipe?.sources.length === 2);
  await weight(page, paths[0]).waitFor();
});

test("a link asks for its files, which go to their places by what they hold; then the bytes come out that it expects", async () => {
  const paths = pair("link");
  const page = await open();
  await add(page, paths);
  await page.getByLabel("Number type").selectOption("f32");
  await weight(page, paths[0]).fill("-0.7");
  const wanted = readFileSync(await save(page, await merge(page)));
  await told(page, (recipe) => recipe?.mix[0].weight === -0.7 && recipe.output.dtype === "f32");
  await page.getByRole("button", { name: "Share", exact: true }).click();
  await page.getByRole("button", { name: "JSON", exact: true }).click();
  const text = page.getByRole("textbox", { name: "JSON" });
  await page.waitForFunction(() => document.querySelector(".shared-text")?.value.includes("expect"));
  const json = await text.inputValue();
  await check(page, "share dialog");
  await page.keyboard.press("Escape");
  const url = page.url();

  const other = await open({ url, theme: "dark" });
  await slots(other).waitFor();
  for (const path of paths) await slots(other).getByText(basename(path)).waitFor();
  assert.ok(await other.locator(".merge-bar button.primary").isDisabled());
  await check(other, "missing files");
  // In another order, the first under another name.
  const renamed = scratch(`renamed-${Date.now()}.safetensors`);
  writeFileSync(renamed, readFileSync(paths[0]));
  await other.getByLabel("Adapter files", { exact: true }).setInputFiles([paths[1], renamed]);
  await slots(other).waitFor({ state: "hidden" });
  const cards = await other.locator(".card .name").allInnerTexts();
  assert.deepEqual(cards, [basename(renamed), basename(paths[1])]);
  assert.equal(await weight(other, renamed).inputValue(), "-0.7");
  const again = JSON.parse(json);
  // Pasted, the recipe says what should come out.
  await other.getByRole("button", { name: "Open recipe" }).click();
  await other.getByRole("textbox", { name: /Paste/ }).fill(JSON.stringify(again));
  await other.locator("dialog[open]").getByRole("button", { name: "Open", exact: true }).click();
  await other.getByText("Recipe opened", { exact: true }).waitFor({ state: "attached" });
  await told(other, (recipe) => recipe?.mix[0].weight === -0.7);
  const own = readFileSync(await save(other, await merge(other)));
  const data = (bytes) => bytes.subarray(8 + Number(bytes.readBigUInt64LE(0)));
  assert.ok(data(own).equals(data(wanted)), "the tensors differ");
  await other.getByText(/holds what the recipe says should come out/).first().waitFor();
});

test("a file of the same name that holds something else is asked about", async () => {
  const paths = pair("question");
  const page = await open();
  await add(page, paths);
  await told(page, (recipe) => recipe?.sources.length === 2);
  const other = await open({ url: page.url() });
  await slots(other).waitFor();
  const false_ = made("question-x.safetensors", { count: 2, width: 24, rank: 3, seed: 99 });
  await other.getByLabel("Adapter files", { exact: true }).setInputFiles([
    { name: basename(paths[0]), mimeType: "application/octet-stream", buffer: readFileSync(false_) },
  ]);
  await slots(other).getByText(/holds something else/).waitFor();
  await other.getByRole("button", { name: "Use it all the same" }).click();
  await other.getByRole("button", { name: "Merge without them" }).click();
  await slots(other).waitFor({ state: "hidden" });
  await merge(other);
});

test("a merged file tells its recipe, and the page opens it", async () => {
  const paths = pair("told");
  const page = await open();
  await add(page, paths);
  await weight(page, paths[0]).fill("0.25");
  const path = await save(page, await merge(page));
  const other = await open();
  await add(other, [path]);
  await other.getByRole("button", { name: "Open its recipe" }).click();
  await slots(other).waitFor();
  await other.getByLabel("Adapter files", { exact: true }).setInputFiles(paths);
  await slots(other).waitFor({ state: "hidden" });
  assert.equal(await weight(other, paths[0]).inputValue(), "0.25");
});

test("an adapter on a model host is fetched on a click, in a window of its own, and goes to its place", async () => {
  const paths = pair("hub");
  const bytes = paths.map((path) => readFileSync(path));
  const hash = (i) => createHash("sha256").update(bytes[i].subarray(8 + Number(bytes[i].readBigUInt64LE(0)))).digest("hex");
  const sources = paths.map((path, i) => ({
    id: "ab"[i],
    label: basename(path),
    data: `sha256:${hash(i)}`,
    at: [`hf:someone/loras@${"a".repeat(40)}/${i}.safetensors`],
  }));
  const mix = [{ src: "a" }, { src: "b", weight: 0.5 }];
  const recipe = { recipe: 1, sources, mix, method: { id: "sum" }, output: { rank: { mode: "exact" }, dtype: "f16" } };
  const page = await open();
  let asked = 0;
  await page.context().route("https://huggingface.co/**", async (route) => {
    asked++;
    const own = bytes[Number(new URL(route.request().url()).pathname.match(/(\d)\.safetensors$/)[1])];
    const [from, to] = /^bytes=(\d+)-(\d+)$/.exec(await route.request().headerValue("range")).slice(1).map(Number);
    const body = own.subarray(from, to + 1);
    const range = `bytes ${from}-${from + body.length - 1}/${own.length}`;
    const headers = { "access-control-allow-origin": "*", "access-control-expose-headers": "content-range", "content-range": range };
    await route.fulfill({ status: 206, body, headers });
  });
  await page.getByRole("button", { name: "Open recipe" }).click();
  await page.getByRole("textbox", { name: /Paste/ }).fill(JSON.stringify(recipe));
  await page.locator("dialog[open]").getByRole("button", { name: "Open", exact: true }).click();
  await slots(page).waitFor();
  assert.equal(asked, 0);
  for (let left = 2; left > 0; left--) {
    const [popup] = await Promise.all([page.waitForEvent("popup"), slots(page).getByRole("button", { name: "Fetch it…" }).first().click()]);
    await popup.locator("#start:enabled").click();
    await page.waitForFunction((left) => document.querySelectorAll(".slot").length === left, left - 1);
    await popup.close();
  }
  await told(page, (recipe) => recipe?.mix[1].weight === 0.5 && recipe.sources[1].at?.length === 1);
  await merge(page);
});

test("a prompt and a mergekit file ask for their adapters; every form is there to be copied", async () => {
  const paths = pair("forms");
  const page = await open();
  await page.getByRole("button", { name: "Open recipe" }).click();
  await page.getByRole("textbox", { name: /Paste/ }).fill("a cat <lora:forms-1:0.4> by the sea <lora:forms-2:-0.2:0.1>");
  await page.locator("dialog[open]").getByRole("button", { name: "Open", exact: true }).click();
  await slots(page).getByText("forms-2.safetensors").waitFor();
  await page.getByLabel("Adapter files", { exact: true }).setInputFiles(paths);
  await slots(page).waitFor({ state: "hidden" });
  assert.equal(await weight(page, paths[0]).inputValue(), "0.4");
  const yaml = `merge_method: ties\nparameters: {density: 0.3}\ndtype: bfloat16\nmodels:\n${paths
    .map((path, i) => `  - {model: ${basename(path)}, parameters: {weight: ${0.5 + i}}}`)
    .join("\n")}\n`;
  await page.locator("#adapter-files").setInputFiles([{ name: "merge.yaml", mimeType: "text/yaml", buffer: Buffer.from(yaml) }]);
  await page.waitForFunction(() => document.getElementById("method").value === "ties");
  await told(page, (recipe) => recipe?.mix[1].weight === 1.5 && recipe.output.dtype === "bf16");
  await page.getByRole("button", { name: "Share", exact: true }).click();
  for (const [name, says] of [["YAML", "merge_method: ties"], ["Terminal", "rankweave merge"], ["Python", "import"]]) {
    await page.getByRole("button", { name, exact: true }).click();
    assert.ok((await page.getByRole("textbox", { name, exact: true }).inputValue()).includes(says), name);
  }
  await page.getByRole("button", { name: "Link", exact: true }).click();
  await page.getByRole("img", { name: "QR code of the link" }).waitFor();
  await check(page, "link and code");
});

test("what is no recipe is told, and nothing changes", async () => {
  const page = await open({ url: undefined });
  await page.getByRole("button", { name: "Open recipe" }).click();
  const field = page.getByRole("textbox", { name: /Paste/ });
  const dialog = page.locator("dialog[open]");
  const attempt = async (text, says) => {
    await field.fill(text);
    await dialog.getByRole("button", { name: "Open", exact: true }).click();
    await dialog.getByText(says).first().waitFor();
  };
  await attempt('{"recipe":1}', /missing field/);
  await attempt("https://example.org/#r=1zAAAA", /link is damaged/);
  const wrong = { recipe: 1, sources: [{ id: "a" }], mix: [{ src: "a", weight: 99 }], method: { id: "<img src=x>" }, output: { rank: { mode: "exact" }, dtype: "f16" } };
  await attempt(JSON.stringify(wrong), /\/mix\/0\/weight/);
  assert.equal(await dialog.locator("img").count(), 0);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".card").count(), 0);
});
