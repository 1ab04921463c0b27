// How long a merge takes in the page: from the click on Merge to the Save link, in headless Chromium.
//
// The inputs are those of the native benchmark, made by the program `bench` that lies beside RANKWEAVE_CLI:
//   RANKWEAVE_CLI=target/release/rankweave node tests/browser/bench.mjs [--runs 5] [--only ID | --methods] [--json]
// With --methods: three SDXL adapters to rank 32 by every method that takes as many, three of SD1.5 to rank 16 by those that
// look at every entry.
// A line per row: bench | work | median | bound | sizes

import { execFileSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { drop, launch } from "./lib/page.mjs";
import { root, site } from "./lib/site.mjs";

let rows = [
  { id: "sd15", work: "2 × SD1.5, sum to rank 16", rank: 16, bound: 1.5 },
  { id: "sdxl", work: "3 × SDXL, sum to rank 32", rank: 32, bound: 10 },
  { id: "sdxl-exact", work: "3 × SDXL, sum, exact", rank: null, bound: 4 },
  { id: "llama", work: "3 × one Llama layer, sum to rank 16", rank: 16, bound: 0.3 },
  { id: "sd15-ties", method: "ties", work: "3 × SD1.5, TIES 20 % to rank 16", rank: 16, bound: 35 },
  { id: "llama-ties", method: "ties", work: "3 × one Llama layer, TIES 20 % to rank 16", rank: 16, bound: 8 },
];

const { values: options } = parseArgs({
  options: {
    runs: { type: "string", default: "5" },
    only: { type: "string" },
    methods: { type: "boolean" },
    json: { type: "boolean" },
  },
});
const maker = join(dirname(process.env.RANKWEAVE_CLI ?? join(root, "target/release/rankweave")), "bench");
if (!existsSync(maker)) throw new Error(`${maker} makes the inputs: cargo build --release -p rankweave-tests --bins`);

const [browser, place] = await Promise.all([launch(), site()]);
for (const row of options.methods ? await methods() : rows.filter((row) => !options.only || row.id === options.only)) {
  const which = options.methods ? ["--method", row.method] : ["--only", row.id];
  const inputs = execFileSync(maker, [...which, "--inputs-only"], { encoding: "utf8" }).trim().split("\n");
  if (options.methods && inputs[0].includes("sd15")) {
    Object.assign(row, { work: `3 × SD1.5 by ${row.method} to rank 16`, rank: 16, bound: 35 });
  }
  const measured = await measure(row, inputs);
  if (options.json) console.log(JSON.stringify({ ...row, ...measured }));
  else console.log(`bench | ${row.work} | ${measured.median.toFixed(2)} s | ${row.bound} s | ${measured.sizes}`);
}
await browser.close();
place.close();

/** A row for every method that the page offers. */
async function methods() {
  const page = await browser.newPage();
  await page.goto(place.url);
  await page.locator("#method:enabled").waitFor();
  const ids = await page.locator("#method option").evaluateAll((all) => all.map((option) => option.value));
  await page.close();
  return ids.map((method) => ({
    id: "sdxl", method, work: `3 × SDXL by ${method} to rank 32`, rank: 32, bound: 30,
  }));
}

/** Merges a row's inputs several times, after once that is not counted. */
async function measure(row, inputs) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(place.url);
  await page.locator("#adapter-files:enabled").waitFor();
  const dropped = performance.now();
  await drop(page, inputs);
  await page.waitForFunction((n) => document.querySelectorAll(".card").length === n, inputs.length);
  const opened = (performance.now() - dropped) / 1000;
  for (const [i, weight] of [0.7, 0.5, -0.3].slice(0, inputs.length).entries()) {
    await page.getByRole("spinbutton", { name: /^Weight of/ }).nth(i).fill(String(weight));
  }
  if (row.method) await page.locator("#method").selectOption(row.method);
  if (row.rank) await page.getByLabel("Highest rank").fill(String(row.rank));
  await page.getByLabel("Number type").selectOption("f16");
  const seconds = [];
  for (let run = 0; run <= Number(options.runs); run++) {
    const took = await once(page);
    if (run > 0) seconds.push(took);
  }
  const memory = await page.evaluate(() => performance.memory?.usedJSHeapSize ?? 0);
  const size = await page.locator(".done dd").first().innerText();
  await context.close();
  seconds.sort((a, b) => a - b);
  const median = (seconds[(seconds.length - 1) >> 1] + seconds[seconds.length >> 1]) / 2;
  const one = statSync(statSync(inputs[0]).isDirectory() ? join(inputs[0], "adapter_model.safetensors") : inputs[0]).size;
  return { median, seconds, opened, memory, sizes: `${(one / 1e6).toFixed(1)} MB each, written ${size}` };
}

/** Seconds from the click to the Save link, taken by the page's own clock. */
async function once(page) {
  await page.locator(".merge-bar button.primary:enabled").waitFor();
  // The file's own hash is taken after Save is there; it must not slow the next run.
  await page.waitForFunction(() => [...document.querySelectorAll(".done dd.mono")].every((d) => d.textContent !== "…"));
  return page.evaluate(async () => {
    const old = document.querySelector("#save")?.href;
    const start = performance.now();
    document.querySelector(".merge-bar button.primary").click();
    while (true) {
      const link = document.querySelector("#save");
      if (link && link.href !== old) return (performance.now() - start) / 1000;
      if (document.querySelector(".trouble")) throw new Error(document.querySelector(".trouble").innerText);
      await new Promise(requestAnimationFrame);
    }
  });
}
