// Block weights on the page: presets, lists, single blocks; and the same file as the command line's.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { made, sample, scratch } from "./lib/files.mjs";
import { deltas, distance } from "./lib/naive.mjs";
import { add, merge, mergeButton, pages, save, weight } from "./lib/page.mjs";
import { read } from "./lib/safetensors.mjs";
import { openBlocks, unets } from "./lib/blocks.mjs";

const open = pages();
const cli = process.env.RANKWEAVE_CLI;

const value = (page, name) => page.getByRole("spinbutton", { name, exact: true }).inputValue();

test("a preset and a block by hand, merged as the command line merges them", async (t) => {
  const paths = unets();
  const page = await open();
  await add(page, paths);
  await weight(page, paths[0]).fill("0.7");
  const first = await openBlocks(page, paths[0]);
  await first.getByLabel("Preset").selectOption("OUTALL");
  assert.equal(await value(page, "IN01 of unet-one.safetensors"), "0");
  assert.equal(await value(page, "OUT03 of unet-one.safetensors"), "1");
  assert.equal(await value(page, "BASE of unet-one.safetensors"), "1");
  const second = await openBlocks(page, paths[1]);
  await second.getByRole("spinbutton", { name: "IN01 of unet-two.safetensors", exact: true }).fill("-0.5");
  await second.getByText(/weight here -0.5/).waitFor();
  const merged = await save(page, await merge(page));
  const mix = JSON.parse(read(merged).metadata["rankweave.recipe"]).mix;
  assert.deepEqual(mix[0].blocks, { scheme: "sd15", preset: "OUTALL" });
  assert.equal(mix[1].blocks.values[2], -0.5);
  if (!cli || !existsSync(cli)) return t.diagnostic(`skipped: ${t.name}: no program at RANKWEAVE_CLI`);
  const out = scratch("blocks-cli.safetensors");
  const flags = ["--weights=0.7,1", "--blocks=a=OUTALL", "--blocks=b=IN01=-0.5"];
  execFileSync(cli, ["merge", ...paths, "-o", out, ...flags], { stdio: "ignore" });
  assert.deepEqual(JSON.parse(read(out).metadata["rankweave.recipe"]), JSON.parse(read(merged).metadata["rankweave.recipe"]));
  assert.deepEqual([...read(out).tensors.keys()], [...read(merged).tensors.keys()]);
  const apart = distance(deltas(merged), deltas(out));
  assert.ok(apart < 1e-5, `off the command line's file by ${apart}`);
});

test("a pasted list counts, a wrong one is told, Reset takes all back", async () => {
  const paths = unets();
  const page = await open();
  await add(page, paths.slice(0, 1));
  const part = await openBlocks(page, paths[0]);
  const list = part.getByLabel("Paste a list");
  await list.fill("1,0.25,0,0,0,0,0,0.5,1,1,1,1,1,1,1,1,1");
  await list.press("Enter");
  await page.waitForFunction(() => document.querySelector('[aria-label="IN01 of unet-one.safetensors"]').value === "0.25");
  assert.equal(await part.getByLabel("Preset").inputValue(), "");
  await list.fill("dfsadfsfds");
  await part.getByRole("button", { name: "Apply" }).click();
  await part.getByText(/This preset of block weights is not known.*OUTALL/).waitFor();
  assert.equal(await list.getAttribute("aria-invalid"), "true");
  assert.equal(await value(page, "IN01 of unet-one.safetensors"), "0.25");
  // Another adapter changes nothing here.
  await add(page, paths.slice(1));
  assert.equal(await value(page, "IN01 of unet-one.safetensors"), "0.25");
  await part.getByRole("button", { name: "Set IN00 to IN11 of unet-one.safetensors to 0.5" }).click();
  assert.equal(await value(page, "IN01 of unet-one.safetensors"), "0.5");
  await part.getByRole("button", { name: "Reset the block weights of unet-one.safetensors" }).click();
  assert.equal(await value(page, "IN01 of unet-one.safetensors"), "1");
  assert.equal(await part.getByLabel("Preset").inputValue(), "ALL");
});

test("the estimate follows, and a setting that leaves nothing says so", async () => {
  const paths = unets();
  const page = await open();
  await add(page, paths.slice(0, 1));
  await mergeButton(page);
  const part = await openBlocks(page, paths[0]);
  await part.getByLabel("Preset").selectOption("INALL");
  await page.getByText(/modules are left out: every adapter that has them has weight 0/).waitFor();
  await part.getByLabel("Preset").selectOption("NONE");
  await page.getByText(/Every weight is 0/).waitFor();
});

test("where blocks are not known it says why", async () => {
  const page = await open();
  const path = made("one.safetensors", { rank: 4, seed: 5 });
  await add(page, [sample("turned-digits"), path]);
  const button = page.getByRole("button", { name: /^Block weights/ }).first();
  assert.equal(await button.isDisabled(), true);
  const told = await page.locator(`#${await button.getAttribute("aria-describedby")}`).innerText();
  assert.match(told, /blocks of its base model are not known/);
});
