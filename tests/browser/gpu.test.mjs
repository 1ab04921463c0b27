// A GPU beside the CPU: one that a program plays is used only when asked for, gives the CPU's result but for rounding, and
// may vanish at any time.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { made, scratch } from "./lib/files.mjs";
import { deltas, distance } from "./lib/naive.mjs";
import { add, merge, mergeButton, pages, played, save } from "./lib/page.mjs";

const open = pages(played);
const cli = process.env.RANKWEAVE_CLI;

const small = () => [21, 22].map((seed) => made(`gpu-${seed}.safetensors`, { count: 3, width: 96, rank: 4, seed }));
const large = () => [31, 32].map((seed) => made(`gpu-large-${seed}.safetensors`, { count: 24, width: 768, rank: 16, seed }));

const field = (page) => page.getByLabel("GPU", { exact: true });

/** Waits until the text under the choice says so. */
async function help(page, text) {
  const place = page.locator("#gpu-help");
  try {
    await place.filter({ hasText: text }).waitFor({ timeout: 120_000 });
  } catch {
    const stands = (await place.count()) > 0 ? await place.first().innerText() : "nothing at all";
    assert.fail(`it never says "${text}", but: ${stands}`);
  }
}

/** A page with TIES chosen, and the GPU as wanted. */
async function ties(paths, wanted, options) {
  const page = await open(options);
  await add(page, paths);
  await page.locator("#method").selectOption("ties");
  await page.getByLabel("Number type").selectOption("f32");
  await page.getByLabel("Highest rank").fill("8");
  await field(page).selectOption(wanted);
  if (wanted === "on") await help(page, "works beside the CPU. It");
  return page;
}

async function report(page) {
  const link = page.getByRole("link", { name: "Report (JSON)" });
  return JSON.parse(readFileSync(await save(page, link), "utf8"));
}

/** The file of a merge, and its report. */
async function merged(page) {
  const path = await save(page, await merge(page, 120_000));
  return { path, report: await report(page) };
}

/** By the CPU alone. */
const byCpu = async (paths) => merged(await ties(paths, "off"));

test("when it is asked for, it gives the CPU's result, and the report names it", async () => {
  const paths = small();
  const page = await ties(paths, "on");
  const own = await merged(page);
  const cpu = await byCpu(paths);
  const [device] = own.report.devices;
  assert.ok(device.name.length > 0 && device.modules > 0 && device.failed === 0, JSON.stringify(device));
  assert.equal(cpu.report.devices, undefined);
  const apart = distance(deltas(own.path), deltas(cpu.path));
  assert.ok(apart < 1e-4, `${apart} apart`);
  await page.getByText(/the file is not reproducible byte for byte/).waitFor();
  // The second merge finds it open.
  const again = await merged(page);
  assert.ok(again.report.devices[0].modules > 0);
});

test("a program that plays a GPU counts as none, unless it is asked for", async (t) => {
  const paths = small();
  const page = await ties(paths, "auto");
  await help(page, "only one that a program plays");
  const [own, cpu] = [await merged(page), await byCpu(paths)];
  assert.equal(own.report.devices, undefined);
  assert.ok(readFileSync(own.path).equals(readFileSync(cpu.path)), "the files differ");
  if (!cli || !existsSync(cli)) return t.skip("no program at RANKWEAVE_CLI");
  const out = scratch(`gpu-cli-${Date.now()}.safetensors`);
  const words = ["--method", "ties", "--rank", "8", "--dtype", "f32", "--gpu", "off"];
  execFileSync(cli, ["merge", ...paths, "-o", out, ...words], { stdio: "ignore" });
  const apart = distance(deltas(own.path), deltas(out));
  assert.ok(apart < 1e-4, `${apart} off the command line's file`);
});

test("it is offered where it has something to do, no worker is started otherwise, and the choice is remembered", async () => {
  const page = await open();
  await add(page, small());
  await mergeButton(page);
  assert.equal(await field(page).count(), 0);
  const workers = page.workers().length;
  await page.locator("#method").selectOption("ties");
  await field(page).selectOption("off");
  await help(page, "the same, byte for byte");
  await merge(page);
  assert.equal(page.workers().length, workers);
  await page.reload();
  await page.locator("#adapter-files:enabled").waitFor();
  await page.locator("#method").selectOption("ties");
  assert.equal(await field(page).inputValue(), "off");
});

test("a browser that offers none says so", async () => {
  const page = await ties(small(), "auto", { init: () => delete Navigator.prototype.gpu });
  await help(page, "This browser offers no GPU to pages");
  await merge(page);
});

test("a choice that is made while the GPU is looked for is heeded", async () => {
  const page = await open();
  await add(page, small());
  const chosen = (choices) =>
    page.evaluate(async (choices) => {
      const choose = (id, value) => {
        const field = document.getElementById(id);
        field.value = value;
        field.dispatchEvent(new Event("change", { bubbles: true }));
      };
      choose("method", "ties");
      while (document.getElementById("gpu-help")?.textContent !== "Looking for a GPU…") {
        await new Promise((done) => setTimeout(done));
      }
      choices.forEach((choice) => choose("gpu", choice));
    }, choices);
  await chosen(["off", "auto", "on", "auto"]);
  await help(page, "only one that a program plays");
  await page.locator("#method").selectOption("sum");
  await chosen(["on", "off", "on"]);
  await help(page, "works beside the CPU. It");
});

/** Runs in the page: workers are made whose GPU never answers, and long waits are over after a twentieth of their time. */
function mute() {
  const quiet = "if (self.GPU) GPU.prototype.requestAdapter = () => new Promise(() => {});\n";
  window.Blob = new Proxy(Blob, {
    construct(Blob, [parts, options]) {
      return new Blob(options?.type === "text/javascript" ? [quiet, ...parts] : parts, options);
    },
  });
  const wait = setTimeout;
  window.setTimeout = (work, time, ...more) => wait(work, time < 10_000 ? time : time / 20, ...more);
}

test("a GPU that never answers: the page says so, and merges without it", async () => {
  const paths = small();
  const page = await ties(paths, "auto", { init: mute });
  const early = await merged(page);
  await field(page).selectOption("on");
  await help(page, "No GPU can be used: it did not answer");
  const late = await merged(page);
  await page.getByText("The GPU failed, and the CPU did its part: it did not answer").waitFor();
  const cpu = readFileSync((await byCpu(paths)).path);
  for (const own of [early, late]) assert.ok(readFileSync(own.path).equals(cpu), "the files differ");
});

/** Lets something happen in the middle of a merge with the GPU, and gives what comes out all the same. */
async function disturbed(paths, disturb) {
  const page = await ties(paths, "on");
  await (await mergeButton(page)).click();
  await page.waitForFunction(() => document.querySelector(".merge-bar progress")?.value > 0.02);
  await disturb(page);
  const link = page.getByRole("link", { name: "Save", exact: true });
  await link.waitFor({ timeout: 180_000 });
  return { page, path: await save(page, link), report: await report(page) };
}

test("a GPU that is lost in the middle: the CPU goes on, and the page says so", async () => {
  const paths = large();
  const own = await disturbed(paths, async (page) => {
    const session = await page.context().browser().newBrowserCDPSession();
    await session.send("Browser.crashGpuProcess").catch(() => {});
  });
  const said = await own.page.locator("#app").innerText();
  assert.match(said, /GPU failed|failed at \d+ modules, which the CPU did/, JSON.stringify(own.report.devices));
  const apart = distance(deltas(own.path), deltas((await byCpu(paths)).path));
  assert.ok(apart < 1e-4, `${apart} apart`);
});

test("a worker with the GPU that is gone: the others do its part, and the page says so", async () => {
  const paths = large();
  const own = await disturbed(paths, async (page) => {
    const fault = () => setTimeout(() => { throw new Error("a fault for the test"); });
    await page.workers().at(-1).evaluate(fault).catch(() => {});
  });
  await own.page.getByText(/The GPU failed, and the CPU did its part: .*a fault for the test/).waitFor();
  const apart = distance(deltas(own.path), deltas((await byCpu(paths)).path));
  assert.ok(apart < 1e-4, `${apart} apart`);
});

test("a merge with the GPU is cancelled, and the next one works", async () => {
  const page = await ties(large(), "on");
  await (await mergeButton(page)).click();
  await page.waitForFunction(() => document.querySelector(".merge-bar progress")?.value > 0.02);
  await page.keyboard.press("Escape");
  await page.getByText("Cancelled. Your adapters and settings are kept.").waitFor({ state: "attached" });
  await merge(page, 180_000);
});
