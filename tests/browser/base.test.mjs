// Adapters that depend on the base model: the page asks for it, merges with it, and says what it does without it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { dora, off } from "./lib/dora.mjs";
import { deltas } from "./lib/naive.mjs";
import { add, merge, pages, save } from "./lib/page.mjs";

const open = pages();
const place = (page) => page.getByLabel("Base checkpoint files", { exact: true });

test("a base in two files with its index makes a DoRA adapter exact", async () => {
  const { path, shards, index, wanted } = dora("dora");
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
  const { path, shards } = dora("missing");
  const page = await open();
  await add(page, [path]);
  await place(page).setInputFiles([shards[0]]);
  await page.locator(".trouble", { hasText: "missing-00002-of-00002.safetensors" }).waitFor();
});

test("without a base its direction can be merged, and the page says what that is", async () => {
  const { path } = dora("direction");
  const page = await open();
  await add(page, [path]);
  await page.getByRole("checkbox", { name: "Merge the direction of direction.safetensors alone", exact: true }).check();
  await page.getByText("magnitudes are left out", { exact: false }).first().waitFor();
  assert.equal(await place(page).count(), 0);
  await merge(page);
});
