// What cannot be opened or merged says what, where, and what to do; what was there stays.

import assert from "node:assert/strict";
import { test } from "node:test";
import { broken, made, real } from "./lib/files.mjs";
import { add, drop, pages, weight } from "./lib/page.mjs";

const open = pages();

async function lines(page) {
  const box = page.locator(".trouble").first();
  await box.waitFor();
  const parts = await box.locator("p").allInnerTexts();
  assert.equal(parts.length, 3, `not three lines: ${parts.join(" | ")}`);
  return parts;
}

test("a broken file gives its three lines, and the others stay", async () => {
  const good = made("one.safetensors", { rank: 4, seed: 5 });
  const page = await open();
  await add(page, [good]);
  await weight(page, good).fill("0.25");
  await drop(page, [broken()]);
  const [what, where, hint] = await lines(page);
  assert.match(what, /header|broken|short|truncat|length/i);
  assert.match(where, /broken\.safetensors/);
  assert.ok(hint.length > 10);
  assert.equal(await weight(page, good).inputValue(), "0.25");
  await page.getByRole("button", { name: "Dismiss this message" }).click();
  assert.equal(await page.locator(".trouble").count(), 0);
});

test("an adapter of another kind is refused by name", async (t) => {
  const paths = real("negative_not_lora", "huggingface-peft__ia3_opt-350m.safetensors");
  if (!paths) return t.skip("the real adapters are not on this machine");
  const page = await open();
  await drop(page, paths);
  const [what] = await lines(page);
  assert.match(what, /IA3|IA³|\(IA\)/i);
});

test("a file name is text, whatever it looks like", async () => {
  const path = made("<img src=x onerror=alert(1)>.safetensors", { seed: 9 });
  const page = await open();
  await add(page, [path]);
  assert.equal(await page.locator(".card img").count(), 0);
  assert.match(await page.locator(".card .name").innerText(), /<img src=x/);
});

test("two files of one name have names of their own", async () => {
  const path = made("one.safetensors", { rank: 4, seed: 5 });
  const page = await open();
  await add(page, [path]);
  await page.getByLabel("Adapter files", { exact: true }).setInputFiles([path]);
  await page.getByRole("spinbutton", { name: "Weight of one.safetensors (2)", exact: true }).waitFor();
});
