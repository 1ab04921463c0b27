// The playground: what it shows is what the merged file reads, for every setting; it speaks to everybody and to no
// other host.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { data, naive } from "./lib/digits.mjs";
import { launch as launchFirefox, missing as noFirefox } from "./lib/firefox.mjs";
import { deltas } from "./lib/naive.mjs";
import { launch } from "./lib/page.mjs";
import { merged, open as openIn, pictures, settled, shares } from "./lib/playground.mjs";
import { dist, site } from "./lib/site.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const set = JSON.parse(readFileSync(join(data, "set.json"), "utf8"));
const tests = pictures(join(data, "test.safetensors"));

let browser;
let place;
before(async () => {
  assert.ok(existsSync(join(dist, "playground/index.html")), `no playground in ${dist}: run cargo xtask build`);
  [browser, place] = await Promise.all([launch(), site()]);
});
after(async () => {
  await browser?.close();
  place?.close();
});
const open = (options) => openIn(browser, place, options);

const title = (id) => set.domains.find((domain) => domain.id === id).title;
const percent = (count) => Number(((100 * count) / set.pictures).toFixed(1));

/** Domain → how many pictures a merged file reads rightly, one by one in f64. */
function counted(path) {
  const read = naive(join(data, "base.safetensors"), set.layers, deltas(path));
  const rightly = (id) => tests.labels.reduce((sum, digit, n) => sum + (read(tests[id].subarray(64 * n, 64 * n + 64)) === digit ? 1 : 0), 0);
  return Object.fromEntries(set.domains.map(({ id }) => [id, rightly(id)]));
}

/** That the page shows these counts. */
async function showing(page, counts) {
  const found = await shares(page);
  for (const { id } of set.domains) assert.equal(found[title(id)], percent(counts[id]), id);
  const mean = set.experts.reduce((sum, id) => sum + counts[id], 0) / (set.experts.length * set.pictures);
  assert.equal(found["Mean of the four"], Number((100 * mean).toFixed(1)));
}

test("the numbers are those of the merged file, method by method", async () => {
  const page = await open();
  console.log(`# first result ${Math.round(await page.evaluate(() => performance.now()))} ms after the page was asked for`);
  const seen = new Set();
  for (const method of ["ties", "sum", "tsv", "lego"]) {
    await page.locator("#method").selectOption(method);
    await settled(page);
    const counts = counted(await merged(page));
    await showing(page, counts);
    seen.add(JSON.stringify(counts));
  }
  assert.equal(seen.size, 4, "methods that differ give the same numbers");
  await page.context().close();
});

test("the mean and each expert alone read as many as is recorded", async () => {
  const page = await open({ hash: "#method=mean" });
  await showing(page, set.right.mean);
  for (const [i, id] of set.experts.entries()) {
    await page.goto(`${place.url}playground/#method=sum&w=${set.experts.map((_, k) => (k === i ? 1 : 0))}`);
    await page.locator("#summary").filter({ hasText: /^Sum/ }).waitFor();
    await settled(page);
    await showing(page, set.right.experts[id]);
  }
  await page.context().close();
});

test("in Firefox it shows the same", { skip: noFirefox }, async () => {
  const firefox = await launchFirefox();
  try {
    const page = await openIn(firefox, place, { hash: "#method=mean" });
    await showing(page, set.right.mean);
    await page.locator("#method").selectOption("ties");
    await settled(page);
    const chromium = await open({ hash: "#method=ties" });
    assert.deepEqual(await shares(page), await shares(chromium));
    await chromium.context().close();
  } finally {
    await firefox.close();
  }
});

test("sliders, choices and seeds merge anew and stand in the address, which brings them back", async () => {
  const page = await open({ hash: "#method=ties&density=0.4&w=1,0.5,1,-0.25" });
  assert.equal(await page.getByLabel("Density", { exact: true }).inputValue(), "0.4");
  assert.equal(await page.getByLabel("Mirrored", { exact: true }).inputValue(), "0.5");
  const before = await shares(page);
  await page.getByLabel("Density, slider").fill("0.9");
  await page.getByLabel("Weight of shifted, slider").focus();
  await page.keyboard.press("Home");
  await page.locator("#param-combine").selectOption("sum");
  await settled(page);
  assert.notDeepEqual(await shares(page), before);
  assert.match(page.url(), /#method=ties&density=0\.9&combine=sum&w=1,0\.5,1,-1$/);
  await showing(page, counted(await merged(page)));
  const own = await shares(page);
  const again = await open({ hash: new URL(page.url()).hash });
  assert.deepEqual(await shares(again), own);
  // Chance by seed.
  await again.locator("#method").selectOption("dare");
  await settled(again);
  const first = await shares(again);
  await again.getByText("Size of the result, seed").click();
  await again.getByLabel("Seed", { exact: true }).fill("7");
  await settled(again);
  assert.notDeepEqual(await shares(again), first);
  assert.match(again.url(), /seed=7/);
  await page.context().close();
  await again.context().close();
});

test("what an address asks for and cannot have is told", async () => {
  const page = await open({ hash: "#method=ties&density=7&colour=red&w=1,2&seed=x" });
  const notes = await page.locator("#notes").innerText();
  for (const word of [/density = 7/, /colour = red/, /w: expected 4 numbers/, /seed: expected/]) assert.match(notes, word);
  await page.goto(`${place.url}playground/#method=nonsense`);
  await page.locator("#notes").filter({ hasText: "nonsense" }).waitFor();
  await page.context().close();
});

test("pictures that change sides are the ones that do, each with words", async () => {
  const page = await open({ hash: "#method=sum" });
  const sum = naive(join(data, "base.safetensors"), set.layers, deltas(await merged(page)));
  await page.locator("#method").selectOption("tsv");
  await settled(page);
  const tsv = naive(join(data, "base.safetensors"), set.layers, deltas(await merged(page)));
  const expected = { gained: 0, lost: 0 };
  for (const { id } of set.domains) {
    tests.labels.forEach((digit, n) => {
      const one = tests[id].subarray(64 * n, 64 * n + 64);
      const [was, is] = [sum(one) === digit, tsv(one) === digit];
      expected.gained += !was && is ? 1 : 0;
      expected.lost += was && !is ? 1 : 0;
    });
  }
  assert.equal(await page.locator("h3.gained").innerText(), `Now right: ${expected.gained}`);
  assert.equal(await page.locator("h3.lost").innerText(), `Now wrong: ${expected.lost}`);
  const words = await page.locator("#flips canvas").evaluateAll((all) => all.map((canvas) => canvas.getAttribute("aria-label")));
  assert.ok(words.length > 20);
  for (const word of words) {
    const [, , digit, is, side, was] = word.match(/^(Plain|Turned|Mirrored|Inverted|Shifted) (\d): read as (\d), which is (right|wrong); before as (\d)/);
    assert.ok(side === "right" ? is === digit && was !== digit : is !== digit && was === digit, word);
  }
  await page.context().close();
});

test("every method is tried, and the best stands first", async () => {
  const page = await open();
  await page.getByRole("button", { name: "Try every method" }).click();
  await page.locator("#board p").filter({ hasText: /methods at their defaults, weights 1, 1, 1, 1\.$/ }).waitFor({ timeout: 300_000 });
  const means = await page.locator(".board li").evaluateAll((all) => all.map((one) => Number(one.dataset.mean)));
  assert.equal(means.length, await page.locator("#method option").count());
  assert.deepEqual(means, [...means].sort((a, b) => b - a));
  const name = await page.locator(".board li button").first().innerText();
  await page.locator(".board li button").first().click();
  await settled(page);
  assert.equal(await page.evaluate(() => document.activeElement.selectedOptions[0].textContent), name);
  assert.equal((await shares(page))["Mean of the four"], Number((100 * means[0]).toFixed(1)));
  await page.context().close();
});

test("no request goes to another host, and none anywhere after load", async () => {
  const urls = [];
  const page = await open({ before: (page) => void page.context().on("request", (request) => urls.push(request.url())) });
  const there = urls.length;
  assert.ok(there > 10);
  await page.locator("#method").selectOption("knots");
  await settled(page);
  await page.getByLabel("Turned", { exact: true }).fill("0.3");
  await settled(page);
  const kept = (url) => url.startsWith(place.url) || url.startsWith("blob:") || url.startsWith("data:");
  assert.deepEqual(urls.filter((url) => !kept(url)), []);
  // Chromium itself asks for the icon whenever the address changes.
  assert.deepEqual(urls.slice(there).filter((url) => !url.startsWith("blob:") && !url.endsWith("icons/mark.svg")), []);
  await page.context().close();
});

test("what cannot be merged is told, and the next setting works again", async () => {
  const page = await open({ hash: "#method=coefficients" });
  await page.locator("#param-coefficients").fill("{bad");
  await page.locator("#param-coefficients").blur();
  await page.getByRole("alert").filter({ hasText: "cannot be read" }).waitFor();
  await page.locator("#method").selectOption("mean");
  await page.locator("#summary").filter({ hasText: /^Mean/ }).waitFor();
  assert.equal(await page.locator("#trouble").isVisible(), false);
  await page.context().close();
});

for (const missing of ["npm/wasm/engine.wasm", "npm/index.js", "playground/data/test.safetensors"]) {
  test(`without ${missing} the page says so`, async () => {
    const page = await open({ ready: false, before: (page) => page.route(`**/${missing}`, (route) => route.fulfill({ status: 404 })) });
    await page.locator("#trouble .what").waitFor();
    assert.equal(await page.locator("#loading").isVisible(), false);
    await page.getByRole("button", { name: "Load again" }).waitFor();
    await page.context().close();
  });
}

for (const hash of ["", "#method=lego&view=compact"]) {
  for (const theme of ["light", "dark"]) {
    for (const width of [1280, 375]) {
      test(`axe: ${hash || "the whole page"}, ${theme}, ${width} px`, async () => {
        const page = await open({ hash, theme, width });
        await page.evaluate(axe);
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        assert.deepEqual(violations.map((v) => `${v.id}: ${v.help}\n  ${v.nodes.map((n) => n.html).join("\n  ")}`), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        assert.ok(wide <= width, `${wide} px wide`);
        await page.context().close();
      });
    }
  }
}

test("a link of another page becomes a frame as tall as what is in it, in the page's theme", async () => {
  const body = `<!doctype html><html data-theme="dark"><title>t</title><p><a data-playground href="../playground/#method=tsv">Try it</a></p><script type="module" src="../playground/embed.js"></script>`;
  const other = (page) => page.route("**/docs/page.html", (route) => route.fulfill({ contentType: "text/html", body }));
  const page = await open({ ready: false, before: other, path: "docs/page.html" });
  const frame = page.frameLocator("iframe");
  await frame.locator("#summary").filter({ hasText: /^TSV-M/ }).waitFor();
  assert.equal(await frame.getByRole("link", { name: "Merge your own" }).isVisible(), false);
  assert.equal(await frame.locator("html").getAttribute("data-theme"), "dark");
  assert.match(await frame.getByRole("link", { name: "Open the playground" }).getAttribute("href"), /#method=tsv$/);
  // It does not scroll, and grows with what is in it.
  const room = () => frame.locator("html").evaluate((html) => html.scrollHeight - innerHeight);
  const fits = async () => {
    for (let i = 0; i < 100 && (await room()) > 0; i++) await page.waitForTimeout(50);
    assert.ok((await room()) <= 0, `${await room()} px too low`);
  };
  await fits();
  const tall = await page.locator("iframe").evaluate((one) => one.offsetHeight);
  await frame.getByText("Size of the result, seed").click();
  await frame.locator("#method").selectOption("ties");
  await fits();
  const grown = await page.locator("iframe").evaluate((one) => one.offsetHeight);
  assert.ok(grown > tall, `${grown} after ${tall}`);
  // And shrinks again.
  await frame.locator("#method").selectOption("tsv");
  await frame.locator("#summary").filter({ hasText: /^TSV-M/ }).waitFor();
  for (let i = 0; i < 100 && (await page.locator("iframe").evaluate((one) => one.offsetHeight)) >= grown; i++) await page.waitForTimeout(50);
  assert.ok((await page.locator("iframe").evaluate((one) => one.offsetHeight)) < grown);
  await page.setViewportSize({ width: 375, height: 800 });
  await fits();
  await page.context().close();
});
