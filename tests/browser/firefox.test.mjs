// The page in Firefox: what it merges is, byte for byte, what Chromium merges, and nothing leaves it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename } from "node:path";
import { test } from "node:test";
import { heavy, made, scratch } from "./lib/files.mjs";
import { fill, firefoxPages, missing, save, withoutGpu } from "./lib/firefox.mjs";
import { deltas, distance } from "./lib/naive.mjs";
import { add, dropTransfer, merge, mergeButton, pages, save as saveInChromium, weight } from "./lib/page.mjs";

const skip = missing;
const open = firefoxPages();
const openChromium = pages();
const cli = process.env.RANKWEAVE_CLI;

const small = () => [21, 22].map((seed) => made(`gpu-${seed}.safetensors`, { count: 3, width: 96, rank: 4, seed }));

/** Notes what a page asks for and complains of: nothing of it may be other than expected. */
function ear() {
  const [requests, complaints] = [[], []];
  const watch = (page) => {
    page.on("request", (request) => requests.push(request.url()));
    page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
    page.on("pageerror", (error) => complaints.push(String(error)));
  };
  return { requests, complaints, watch };
}

/** A merge by method, its rank, and the words of the command line that ask for the same. */
const kinds = {
  "the exact sum": { method: "sum", rank: "", words: ["--method", "sum"] },
  TIES: { method: "ties", rank: "8", words: ["--method", "ties", "--rank", "8", "--gpu", "off"] },
};

/** A merge by the CPU: its link to the file. */
async function merged(page, paths, { method, rank }) {
  await add(page, paths);
  await page.locator("#method").selectOption(method);
  await page.getByLabel("Number type").selectOption("f32");
  if (rank) await fill(page.getByLabel("Highest rank"), rank);
  const gpu = page.getByLabel("GPU", { exact: true });
  if (await gpu.count()) await gpu.selectOption("off");
  return merge(page, 120_000);
}

for (const [name, kind] of Object.entries(kinds)) {
  test(`in Firefox, ${name} is what Chromium and the command line make of it`, { skip }, async (t) => {
    const paths = small();
    const { requests, complaints, watch } = ear();
    const page = await open({ watch });
    const loaded = requests.length;
    const own = await save(page, await merged(page, paths, kind));
    const chromium = await openChromium();
    const other = await saveInChromium(chromium, await merged(chromium, paths, kind));
    assert.ok(readFileSync(own).equals(readFileSync(other)), "Firefox and Chromium give other files");
    assert.deepEqual(complaints, []);
    assert.ok(loaded > 0, "no request is heard of");
    assert.deepEqual(requests.filter((url) => !url.startsWith("blob:") && new URL(url).origin !== new URL(page.url()).origin), []);
    assert.deepEqual(requests.slice(loaded).filter((url) => !url.startsWith("blob:")), []);
    assert.equal(await page.locator(".privacy summary").innerText(), "0 requests since load");
    if (!cli || !existsSync(cli)) return t.diagnostic(`skipped: ${t.name}, compared with the command line: no program at RANKWEAVE_CLI`);
    const out = scratch(`firefox-cli-${Date.now()}.safetensors`);
    execFileSync(cli, ["merge", ...paths, "-o", out, "--dtype", "f32", ...kind.words], { stdio: "ignore" });
    const apart = distance(deltas(own), deltas(out));
    assert.ok(apart < 1e-5, `${apart} off the command line's file`);
  });
}

test("Firefox: files are dropped, and a merge is cancelled and started again", { skip }, async () => {
  const page = await open();
  const paths = heavy();
  await dropTransfer(page, small().map((path) => ({ name: basename(path), bytes: readFileSync(path) })));
  for (const path of small()) await weight(page, path).waitFor();
  for (const path of small()) await page.getByRole("button", { name: `Remove ${basename(path)}` }).click();
  await add(page, paths);
  await fill(page.getByLabel("Highest rank"), "64");
  await (await mergeButton(page)).click();
  await page.locator(".merge-bar progress[value]").waitFor({ state: "attached" });
  await page.getByRole("button", { name: "Cancel", exact: true }).click();
  await page.getByText("Cancelled. Your adapters and settings are kept.").waitFor({ state: "attached" });
  assert.equal(await page.getByLabel("Highest rank").inputValue(), "64");
  await fill(page.getByLabel("Highest rank"), "1");
  await merge(page, 120_000);
});

test("Firefox: with a GPU it gives the CPU's result, and one that a program plays is used only when asked for", { skip }, async (t) => {
  const paths = small();
  const page = await open();
  const why = await withoutGpu(page);
  if (why) return t.skip(why);
  const cpu = await save(page, await merged(page, paths, kinds.TIES));
  const field = page.getByLabel("GPU", { exact: true });
  const help = (text) => page.locator("#gpu-help").filter({ hasText: text }).waitFor({ timeout: 120_000 });
  await field.selectOption("on");
  await help("works beside the CPU. It");
  const own = await save(page, await merge(page, 120_000));
  const report = await save(page, page.getByRole("link", { name: "Report (JSON)" }));
  const [device] = JSON.parse(readFileSync(report, "utf8")).devices;
  assert.ok(device.modules > 0 && device.failed === 0, JSON.stringify(device));
  const apart = distance(deltas(own), deltas(cpu));
  assert.ok(apart < 1e-4, `${apart} apart`);
  await field.selectOption("auto");
  await help("only one that a program plays");
});

test("Firefox: a request to another origin is blocked", { skip }, async () => {
  const page = await open();
  const attempt = (url) => fetch(url).then(() => "sent", () => "blocked");
  assert.equal(await page.evaluate(attempt, "http://127.0.0.1:9/leak"), "blocked");
});
