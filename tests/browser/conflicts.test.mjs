// Where adapters pull against each other: the page's numbers are the command line's and the plain count's. And whole
// differences, which rules by entry are written as.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { heavy, made } from "./lib/files.mjs";
import { delta, distance, modules, sum } from "./lib/naive.mjs";
import { add, merge, mergeButton, pages, save, weight } from "./lib/page.mjs";
import { read } from "./lib/safetensors.mjs";

const open = pages();
const cli = process.env.RANKWEAVE_CLI;
const unet = (i) => `unet.down_blocks.0.attentions.0.transformer_blocks.${i}.attn1.to_q`;
const paths = [3, 5].map((rank) => made(`conflict-${rank}.safetensors`, { rank, seed: rank, width: 160, path: unet }));
const weights = [0.7, -0.3];

/** The same by the command line, or null where there is none. */
function byCli(t, how) {
  if (!cli || !existsSync(cli)) {
    t.diagnostic(`skipped: ${t.name}, compared with the command line: no program at RANKWEAVE_CLI`);
    return null;
  }
  const args = ["inspect", "--json", `--conflicts=${how}`, `--weights=${weights.join(",")}`, ...paths];
  return JSON.parse(execFileSync(cli, args, { encoding: "utf8" })).conflicts;
}

/** Shares of positions and of sizes, all entries counted. */
function counted() {
  const files = paths.map(modules);
  let [positions, both, selfish, cancels, sizes] = [0, 0, 0, 0, 0];
  for (const name of files[0].keys()) {
    const [a, b] = files.map((file, i) => delta(file.get(name)).map((x) => weights[i] * x));
    for (let j = 0; j < a.length; j++) {
      positions++;
      if (a[j] * b[j] < 0) both++;
      const holds = (x, y) => Math.abs(x) > 0.4 * Math.abs(y);
      if (holds(a[j], b[j]) !== holds(b[j], a[j])) selfish++;
      cancels += Math.abs(a[j]) + Math.abs(b[j]) - Math.abs(a[j] + b[j]);
      sizes += Math.abs(a[j]) + Math.abs(b[j]);
    }
  }
  return [both / positions, cancels / sizes, selfish / positions].map((share) => 100 * share);
}

/** The three figures, in percent. */
async function figures(page) {
  const texts = await page.locator(".conflicts .figure dd:not(.plain)").allInnerTexts();
  return texts.map(Number.parseFloat);
}

/** Module → its shares in percent, as the table shows them. */
async function rows(page) {
  const lines = await page.locator(".conflicts tbody tr").evaluateAll((all) =>
    all.map((row) => {
      const [head, ...cells] = row.children;
      const masks = head.querySelector("span").textContent.match(/[\d.]+/g);
      return [head.firstChild.textContent.trim(), [...cells.map((cell) => cell.textContent), ...masks]];
    }),
  );
  return lines.map(([module, shares]) => [module, shares.map(Number.parseFloat)]);
}

function same(page, other, what) {
  assert.equal(page.length, other.length);
  page.forEach((share, i) => assert.ok(Math.abs(share - other[i]) <= 0.0501, `${what}: ${page} is not ${other}`));
}

async function compare(t, page, how) {
  const other = byCli(t, how);
  if (!other) return;
  const { conflict, mass, selfish } = other.total;
  same(await figures(page), [conflict, mass, selfish].map((of) => 100 * of.share), how);
  const found = await rows(page);
  assert.deepEqual(found.map(([module]) => module).toSorted(), other.modules.map(({ module }) => module).toSorted());
  for (const { module, shares } of other.modules) {
    const { conflict, expected, mass, selfish, shared } = shares;
    const wanted = [conflict.share, expected, mass.share, selfish.share, shared.share].map((share) => 100 * share);
    same(found.find(([name]) => name === module)[1], wanted, module);
  }
  const most = found.map(([, [share]]) => share);
  assert.deepEqual(most, most.toSorted((a, b) => b - a), "those with the most conflict stand first");
}

async function measured(page) {
  await add(page, paths);
  for (const [i, path] of paths.entries()) await weight(page, path).fill(String(weights[i]));
  await page.getByRole("button", { name: "Measure conflicts" }).click();
  await page.locator(".conflicts table").waitFor();
}

test("a sample, then all entries: the command line's numbers", async (t) => {
  const page = await open();
  await measured(page);
  assert.match(await page.locator(".conflicts").innerText(), /64 rows of each module, drawn from seed 0; ± one/);
  await compare(t, page, "sampled");
  await page.getByRole("button", { name: "Count all entries" }).click();
  await page.getByText("All entries of each module.").waitFor();
  await compare(t, page, "exact");
  same(await figures(page), counted(), "the plain count");
});

test("other weights are another question", async () => {
  const page = await open();
  await measured(page);
  await weight(page, paths[0]).fill("-0.7");
  await page.getByRole("button", { name: "Measure conflicts" }).waitFor();
  assert.equal(await page.locator(".conflicts table").count(), 0);
});

test("a long count shows how far it is and can be stopped", async () => {
  const page = await open();
  await add(page, heavy());
  await page.getByRole("button", { name: "Measure conflicts" }).click();
  await page.getByRole("button", { name: "Count all entries" }).click({ timeout: 60_000 });
  const bar = page.getByRole("progressbar", { name: "Measuring conflicts" });
  await bar.waitFor();
  await page.waitForFunction(() => document.querySelector(".conflicts progress")?.value > 0);
  await page.getByRole("button", { name: "Stop measuring" }).click();
  await page.getByRole("button", { name: "Measure conflicts" }).waitFor();
  await mergeButton(page);
});

test("whole differences: the true sum, and a spelling that cannot hold them says so", async () => {
  const page = await open();
  await add(page, paths);
  for (const [i, path] of paths.entries()) await weight(page, path).fill(String(weights[i]));
  await page.getByLabel("None: whole differences").check();
  await page.getByLabel("Number type").selectOption("f32");
  await page.getByLabel("Key spelling").selectOption("peft");
  await page.locator(".trouble").filter({ hasText: "no name for whole differences" }).waitFor();
  await page.getByLabel("Key spelling").selectOption("diffusers");
  const merged = await save(page, await merge(page));
  const found = new Map();
  for (const [key, { values }] of read(merged).tensors) {
    assert.match(key, /\.diff$/);
    found.set(key.replace(/^unet\.|\.diff$/g, "").replaceAll(".", "_"), values);
  }
  assert.ok(distance(found, sum(paths, weights)) < 1e-6);
});
