// In pages of others: the frame works in a sandbox, with an origin and without; the element <rank-weave> asks for nothing
// before it is wanted, and speaks with its frame alone; what was merged leaves the frame only if the reader says so.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { check } from "./lib/axe.mjs";
import { frame, host, html, link, poster } from "./lib/embed.mjs";
import { heavy, made, sample } from "./lib/files.mjs";
import { launch as launchFirefox, missing as noFirefox } from "./lib/firefox.mjs";
import { add, dropTransfer, launch, merge, ready, save, weight } from "./lib/page.mjs";
import { dist, site } from "./lib/site.mjs";

const SANDBOX = "allow-scripts allow-downloads allow-popups allow-popups-to-escape-sandbox";
const paths = () => [1, 2].map((seed) => made(`embed-${seed}.safetensors`, { count: 2, width: 24, rank: 3, seed: seed + 70 }));

let place;
let recipe;
let wanted;
const browsers = {};
const hosts = [];

before(async () => {
  place = await site();
  browsers.Chromium = await launch();
  if (!noFirefox) browsers.Firefox = await launchFirefox();
  // What the page itself makes of it.
  const page = await (await browsers.Chromium.newContext()).newPage();
  await page.goto(place.url);
  await ready(page);
  recipe = await link(page, add, paths(), weight, "0.3");
  wanted = readFileSync(await save(page, await merge(page)));
  await page.context().close();
});
after(async () => {
  for (const browser of Object.values(browsers)) await browser.close();
  for (const one of [place, ...hosts]) one?.close();
});

/** A page of another site, opened; with what it asks for and complains of. */
async function visit(name, pages, { width = 1280, theme = "light", path = "", until } = {}) {
  const one = await host(place.url, pages);
  hosts.push(one);
  const page = await (await browsers[name].newContext({ viewport: { width, height: 900 }, colorScheme: theme, reducedMotion: "reduce" })).newPage();
  const [requests, complaints] = [[], []];
  page.on("request", (request) => requests.push(request.url()));
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(one.url + path);
  await until?.(page);
  return { page, requests, complaints, host: one };
}

const origin = () => new URL(place.url).origin;
const bare = (hash, sandbox) => html(`<iframe title="A merge" sandbox="${sandbox}" width="100%" height="700" src="${place.url}embed/${hash}"></iframe>`);
const element = (attributes, more = "") => ({
  "/": html(`<rank-weave ${attributes}><a href="${place.url}#r=${recipe}">Open this merge</a></rank-weave>${more}`, `<script type="module" src="${place.url}embed.js"></script>`),
  "/poster.svg": poster,
});

// In Firefox Playwright's mouse does not reach into a frame of another site, nor do its file choosers: there the frame
// presses its own buttons, and files are dropped.

/** Presses a button or a link in a frame. */
const press = (name, button) => (name === "Firefox" ? button.evaluate((e) => e.click()) : button.click());

/** Writes into a field of a frame. */
const type = (name, field, text) =>
  name === "Firefox"
    ? field.evaluate((e, text) => {
        e.value = text;
        e.dispatchEvent(new Event("input", { bubbles: true }));
      }, text)
    : field.fill(text);

/** Adds files as a reader does. */
const bring = (name, inner, files) =>
  name === "Firefox"
    ? dropTransfer(inner, files.map((path) => ({ name: basename(path), bytes: readFileSync(path) })))
    : inner.getByLabel("Adapter files", { exact: true }).setInputFiles(files);

/** Calls the element in the page: its result, or what failed. */
const call = (page, method, ...words) =>
  page.evaluate(([method, words]) => document.querySelector("rank-weave")[method](...words).then((result) => ({ result }), ({ code, message, hint }) => ({ code, message, hint })), [method, words]);

/** Notes the element's events from now on. */
const listen = (page) =>
  page.evaluate(() => {
    window.heard = [];
    for (const name of ["ready", "loaded", "change", "progress", "done", "error", "resize"]) {
      document.querySelector("rank-weave").addEventListener(name, ({ detail }) => window.heard.push([name, detail]));
    }
  });
const heard = (page, name) => page.evaluate((name) => window.heard.filter(([one]) => one === name).map(([, detail]) => detail), name);

/** Adds files to the element as a page that has them would. */
const give = (page, files) =>
  page.evaluate(async (files) => {
    const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const list = files.map(({ name, text }, i) => (i % 2 ? { name, bytes: bytes(text).buffer } : new File([bytes(text)], name)));
    return document.querySelector("rank-weave").addFiles(list);
  }, files.map((path) => ({ name: basename(path), text: readFileSync(path).toString("base64") })));

for (const name of ["Chromium", "Firefox"]) {
  const skip = name === "Firefox" && noFirefox;

  for (const [kind, sandbox] of [["with an origin", `${SANDBOX} allow-same-origin`], ["without an origin", SANDBOX]]) {
    test(`${name}: a frame in a sandbox ${kind} merges what its recipe names`, { skip }, async () => {
      const { page, requests, complaints } = await visit(name, { "/": bare(`#r=${recipe}&view=all`, sandbox) });
      const inner = await frame(page);
      assert.equal(await inner.evaluate(() => self.origin), kind === "with an origin" ? origin() : "null");
      assert.equal(await inner.evaluate(() => self.crossOriginIsolated), false);
      await inner.getByRole("region", { name: "Missing adapters" }).waitFor();
      await bring(name, inner, paths());
      await inner.getByRole("region", { name: "Missing adapters" }).waitFor({ state: "hidden" });
      assert.equal(await weight(inner, paths()[0]).inputValue(), "0.3");
      const steps = await page.evaluate(() => history.length);
      await inner.locator(".merge-bar button.primary:enabled").waitFor();
      await press(name, inner.getByRole("button", { name: "Merge", exact: true }));
      const saved = inner.getByRole("link", { name: "Save", exact: true });
      await saved.waitFor();
      // What the frame says of the file, and where the browser can be followed that far, the file itself.
      const hash = createHash("sha256").update(wanted).digest("hex");
      await inner.locator(".done dd", { hasText: hash }).waitFor();
      if (name === "Chromium") assert.ok(readFileSync(await save(page, saved)).equals(wanted), "the frame makes another file than the page");
      await type(name, weight(inner, paths()[0]), "0.9");
      await inner.waitForFunction(() => !document.querySelector(".done .note").hidden);
      await page.waitForTimeout(1200);
      assert.equal(await page.evaluate(() => history.length), steps, "a change in the frame is a step of the page around it");
      assert.deepEqual(complaints, []);
      const strangers = requests.filter((url) => !url.startsWith("blob:") && ![origin(), new URL(page.url()).origin].includes(new URL(url).origin));
      assert.deepEqual(strangers, []);
      await page.context().close();
    });
  }

  test(`${name}: the element asks for nothing before it is wanted, then merges what the page gives it`, { skip }, async () => {
    const attributes = `recipe="${recipe}" poster="poster.svg" theme="dark"`;
    const { page, requests, complaints } = await visit(name, element(attributes, '<p id="after">After it.</p>'));
    await page.getByRole("button", { name: "Load this merge" }).waitFor();
    assert.ok(await page.getByRole("link", { name: "Open this merge" }).isVisible());
    assert.deepEqual(requests.filter((url) => url.startsWith(origin())).map((url) => new URL(url).pathname), ["/embed.js"]);
    await listen(page);
    // What the page says to itself is not said by the frame.
    await page.evaluate(() => window.postMessage({ ns: "rankweave", event: "resize", data: { height: 9999 } }, "*"));
    await page.getByRole("button", { name: "Load this merge" }).click();
    const inner = await frame(page);
    assert.equal(await inner.evaluate(() => document.documentElement.dataset.theme), "dark");
    await inner.getByText(/page around this frame learns their names and hashes/).waitFor();
    const given = await give(page, paths());
    assert.deepEqual(given.errors, []);
    assert.deepEqual(given.adapters.map(({ label }) => label), paths().map((path) => basename(path)));
    await inner.getByRole("region", { name: "Missing adapters" }).waitFor({ state: "hidden" });
    const { result } = await call(page, "merge");
    assert.match(result.data_sha256, /^[0-9a-f]{64}$/);
    assert.equal(result.size, wanted.length);
    assert.deepEqual((await heard(page, "done")).map((one) => one.data_sha256), [result.data_sha256]);
    for (const one of ["ready", "loaded", "resize"]) assert.ok((await heard(page, one)).length > 0, one);
    assert.ok((await heard(page, "resize")).every(({ height }) => height !== 9999));
    // As tall as what is in it.
    await page.waitForFunction(() => document.querySelector("rank-weave").shadowRoot.querySelector("iframe").offsetHeight > 600);
    const [tall, frameTall] = [await inner.evaluate(() => document.body.getBoundingClientRect().height), await page.locator("iframe").evaluate((e) => e.offsetHeight)];
    assert.ok(Math.abs(tall - frameTall) <= 2, `${tall} in ${frameTall}`);

    assert.equal((await call(page, "setWeight", 1, 0.5)).code, undefined);
    assert.equal(await weight(inner, paths()[1]).inputValue(), "0.5");
    assert.equal((await call(page, "setWeight", basename(paths()[0]), -0.25)).code, undefined);
    const told = (await call(page, "getRecipe")).result;
    assert.deepEqual(JSON.parse(told.json).mix.map((one) => one.weight), [-0.25, 0.5]);
    assert.match(told.link, /^1z/);
    await page.waitForFunction((id) => window.heard.some(([name, one]) => name === "change" && one.recipe === id), told.id);
    const conflicts = (await call(page, "analyze")).result;
    assert.ok(conflicts.total.conflict[0] > 0 && conflicts.module_count === 2);
    for (const [weight, adapter] of [[11, 0], [NaN, 0], [0.5, 2], [0.5, "no such"], ["0.5", 0]]) {
      assert.equal((await call(page, "setWeight", adapter, weight)).code, "parameter");
    }
    assert.equal((await call(page, "setRecipe", "1zAAAA")).code, "malformed");
    assert.deepEqual((await call(page, "setRecipe", recipe)).result, { missing: 0 });
    assert.equal(await weight(inner, paths()[0]).inputValue(), "0.3");
    await page.evaluate(() => document.querySelector("rank-weave").setAttribute("recipe", "1zAAAA"));
    await page.waitForFunction(() => window.heard.some(([name, one]) => name === "error" && /link is damaged/.test(one.errors[0].what)));
    await page.evaluate(() => document.querySelector("rank-weave").setAttribute("theme", "light"));
    await inner.waitForFunction(() => document.documentElement.dataset.theme === "light");
    assert.deepEqual(complaints, []);
    await page.context().close();
  });

  test(`${name}: the page around gets the merged file only if the reader says so`, { skip }, async () => {
    const { page } = await visit(name, element(`recipe="${recipe}" load="eager"`));
    const inner = await frame(page);
    assert.equal((await call(page, "download")).code, "parameter");
    await give(page, paths());
    await call(page, "merge");
    const ask = (signal) =>
      page.evaluate((signal) => {
        window.stop = new AbortController();
        window.answer = document.querySelector("rank-weave").download(signal ? { signal: window.stop.signal } : {})
          .then(async ({ name, file }) => ({ name, bytes: [...new Uint8Array(await file.arrayBuffer())] }), ({ code }) => ({ code }));
      }, signal);
    const question = inner.getByRole("alertdialog");
    await ask(false);
    await question.waitFor();
    assert.match(await question.innerText(), new RegExp(`${new URL(page.url()).origin} asks for the merged file`));
    await check(inner, "the question");
    await inner.waitForFunction(() => document.activeElement?.textContent === "No");
    await press(name, question.getByRole("button", { name: "No" }));
    assert.deepEqual(await page.evaluate(() => window.answer), { code: "cancelled" });
    await ask(true);
    await question.waitFor();
    await page.evaluate(() => window.stop.abort());
    assert.deepEqual(await page.evaluate(() => window.answer), { code: "cancelled" });
    await question.waitFor({ state: "hidden" });
    await ask(false);
    const yes = question.getByRole("button", { name: "Hand it over" });
    assert.ok(await yes.isDisabled(), "a click that was under way hands it over");
    await inner.waitForFunction(() => !document.querySelector("[role=alertdialog] button").disabled);
    await press(name, yes);
    const { name: file, bytes } = await page.evaluate(() => window.answer);
    assert.match(file, /\.safetensors$/);
    assert.ok(Buffer.from(bytes).equals(wanted), "another file is handed over");
    await page.context().close();
  });
}

test("another frame of the same page is not heard, and what is no call does nothing", async () => {
  const intruder = '<script src="intruder.js"></script>';
  const { page, complaints } = await visit("Chromium", {
    ...element(`recipe="${recipe}" load="eager"`, '<iframe title="Another" src="intruder.html"></iframe>'),
    "/intruder.html": html("", intruder),
    "/intruder.js": `const channel = new MessageChannel();
      self.heard = [];
      channel.port1.onmessage = ({ data }) => self.heard.push(data);
      self.intrude = () => {
        for (let i = 0; i < parent.length; i++) {
          const copy = new MessageChannel();
          copy.port1.onmessage = ({ data }) => self.heard.push(data);
          parent[i].postMessage({ ns: "rankweave", v: 1, type: "connect" }, "*", [copy.port2]);
          copy.port1.postMessage({ id: 1, method: "getRecipe", params: {} });
        }
        // The frames of a shadow tree are not among parent's: it is asked for, and pretended to be.
        parent.postMessage({ ns: "rankweave", v: 1, type: "hello", frame: 7 }, "*");
        parent.postMessage({ ns: "rankweave", event: "resize", data: { height: 4321 } }, "*");
      };`,
  });
  const inner = await frame(page);
  await give(page, paths());
  const other = page.frames().find((one) => one.url().endsWith("intruder.html"));
  await other.evaluate(() => self.intrude());
  // The window itself, from inside the page that has it, but as another source.
  await page.evaluate(() => {
    const target = document.querySelector("rank-weave").shadowRoot.querySelector("iframe").contentWindow;
    document.querySelector("iframe").contentWindow.target = target;
  });
  await other.evaluate(() => {
    const copy = new MessageChannel();
    copy.port1.onmessage = ({ data }) => self.heard.push(data);
    self.target.postMessage({ ns: "rankweave", v: 1, type: "connect" }, "*", [copy.port2]);
    copy.port1.postMessage({ id: 1, method: "getRecipe", params: {} });
  });
  await page.waitForTimeout(500);
  assert.deepEqual(await other.evaluate(() => self.heard), []);
  assert.notEqual(await page.locator("rank-weave").evaluate((e) => e.shadowRoot.querySelector("iframe").height), "4321");
  // The element's own port, with nonsense.
  const answers = await page.evaluate(async () => {
    const target = document.querySelector("rank-weave").shadowRoot.querySelector("iframe").contentWindow;
    const { port1, port2 } = new MessageChannel();
    const heard = [];
    port1.onmessage = ({ data }) => data.id && heard.push([data.id, data.ok, data.error?.code]);
    target.postMessage({ ns: "rankweave", v: 1, type: "connect" }, "*", [port2]);
    const calls = [null, 7, "merge", {}, { method: "merge" }, { id: "x", method: "merge" }, { id: 1, method: "__proto__" }, { id: 2, method: "addFiles" },
      { id: 3, method: "addFiles", params: { files: [{ name: "", bytes: new ArrayBuffer(8) }] } }, { id: 4, method: "addFiles", params: { files: Array(201).fill({}) } },
      { id: 5, method: "setRecipe", params: { recipe: {} } }, { id: 6, method: "setRecipe", params: { recipe: "x".repeat(2_000_000) } },
      { id: 7, method: "setWeight", params: null }, { method: "$cancel", params: {} }, { method: "$cancel" }, { id: 8, method: "setTheme", params: { theme: "<b>" } },
      { id: 9, method: "addFiles", params: { files: [{ name: "../x.safetensors", bytes: new ArrayBuffer(8) }] } }];
    calls.forEach((call) => port1.postMessage(call));
    for (let i = 0; i < 200 && heard.length < 9; i++) await new Promise((done) => setTimeout(done, 50));
    return heard.sort(([a], [b]) => a - b);
  });
  assert.deepEqual(answers, [
    [1, false, "unsupported"], [2, false, "parameter"], [3, false, "parameter"], [4, false, "parameter"],
    [5, false, "malformed"], [6, false, "limit"], [7, false, "parameter"], [8, true, undefined], [9, true, undefined],
  ]);
  assert.equal(await inner.locator(".card").count(), 2);
  await inner.locator(".trouble").first().waitFor();
  assert.deepEqual(complaints, []);
  await page.context().close();
});

test("two elements in a page do not hear each other's frames", async () => {
  const { page } = await visit("Chromium", element('load="eager" view="explain"', '<rank-weave load="eager" view="all"></rank-weave>'));
  await page.waitForFunction(() => {
    const [one, two] = [...document.querySelectorAll("rank-weave")].map((e) => e.shadowRoot.querySelector("iframe")?.offsetHeight);
    return one > 480 && two > 480;
  });
  const fits = async () => {
    const frames = await page.locator("rank-weave iframe").all();
    const tall = await Promise.all(frames.map(async (one) => {
      const inner = await (await one.elementHandle()).contentFrame();
      return [await one.evaluate((e) => e.offsetHeight), await inner.evaluate(() => Math.ceil(document.body.getBoundingClientRect().height))];
    }));
    return tall.every(([own, wanted]) => own === wanted) && tall[0][0] !== tall[1][0];
  };
  await page.locator("rank-weave iframe").first().waitFor();
  await page.frames()[1].locator(".sample").first().waitFor();
  await page.frames()[2].locator(".sample").first().waitFor();
  await page.frames()[1].locator(".sample").first().click();
  await page.frames()[1].locator(".card").first().waitFor();
  let so = false;
  for (let i = 0; i < 60 && !so; i++) {
    await page.waitForTimeout(50);
    so = await fits();
  }
  assert.ok(so, "a frame is as tall as the other's content");
  const answers = await page.evaluate(() => Promise.all([...document.querySelectorAll("rank-weave")].map((one) => one.getRecipe().then(({ id }) => id, ({ code }) => code))));
  assert.match(answers[0], /^[a-z2-7]{12}$/);
  assert.notEqual(answers[0], answers[1]);
  await page.context().close();
});

test("a frame that went to another site is not heard", async () => {
  const evil = await host(place.url, {
    "/": html('<script src="evil.js"></script>'),
    "/evil.js": `for (const message of [{ v: 1, type: "hello", frame: 1 }, { event: "resize", data: { height: 4321 } }]) parent.postMessage({ ns: "rankweave", ...message }, "*");
      addEventListener("message", () => parent.postMessage("got a port", "*"));`,
  });
  hosts.push(evil);
  // The host plays the site, and its page for frames goes elsewhere.
  const { page } = await visit("Chromium", {
    "/": html('<rank-weave load="eager" origin="/"></rank-weave><script src="listen.js"></script>', `<script type="module" src="${place.url}embed.js"></script>`),
    "/listen.js": "self.said = []; addEventListener('message', ({ data }) => self.said.push(data));",
    "/embed/": html('<script src="go.js"></script>'),
    "/embed/go.js": `location.replace("${evil.url.replace("localhost", "127.0.0.1")}")`,
  });
  await page.waitForTimeout(1500);
  const said = await page.evaluate(() => self.said);
  assert.ok(said.some((data) => data?.type === "hello"), "the other site was not reached");
  assert.ok(!said.includes("got a port"));
  assert.notEqual(await page.locator("rank-weave iframe").evaluate((e) => e.height), "4321");
  await page.context().close();
});

test("a call is stopped by its signal, and the reader's files stay", async () => {
  const { page } = await visit("Chromium", element('load="eager"'));
  const inner = await frame(page);
  await inner.getByLabel("Adapter files", { exact: true }).setInputFiles(heavy());
  for (const path of heavy()) await weight(inner, path).waitFor();
  await inner.getByLabel("Highest rank").fill("64");
  const began = page.evaluate(() => {
    const stop = new AbortController();
    document.querySelector("rank-weave").addEventListener("progress", () => stop.abort(), { once: true });
    return document.querySelector("rank-weave").merge({ signal: stop.signal }).then(() => "done", ({ code }) => code);
  });
  assert.equal(await began, "cancelled");
  await inner.getByText("Cancelled. ").first().waitFor({ state: "attached" });
  assert.equal(await inner.locator(".card").count(), 2);
  await page.context().close();
});

test("readers who may change nothing add files and merge", async () => {
  const { page } = await visit("Chromium", { "/": bare(`#r=${recipe}&controls=0`, `${SANDBOX} allow-same-origin`) });
  const inner = await frame(page);
  await inner.getByLabel("Adapter files", { exact: true }).setInputFiles(paths());
  await weight(inner, paths()[0]).waitFor();
  await inner.getByRole("region", { name: "Missing adapters" }).waitFor({ state: "hidden" });
  assert.ok(await weight(inner, paths()[0]).isDisabled());
  assert.ok(await inner.locator("#method").isDisabled());
  const file = readFileSync(await save(page, await merge(inner)));
  assert.ok(file.equals(wanted));
  await page.context().close();
});

test("a view that there is not is told; the three that there are show what they say", async () => {
  for (const [view, explain, result] of [["merge", 0, 1], ["explain", 1, 0], ["all", 1, 1], ["blocks", 0, 1]]) {
    const { page } = await visit("Chromium", { "/": bare(`#view=${view}`, SANDBOX) });
    const inner = await frame(page);
    assert.deepEqual([await inner.locator(".panel.explain").count(), await inner.locator(".panel.output").count()], [explain, result], view);
    assert.equal(await inner.getByText(/address is not understood/).count(), view === "blocks" ? 1 : 0);
    await page.context().close();
  }
});

test("files and a recipe that the page names are fetched by it once the element is loaded", async () => {
  const files = paths();
  const { page, host: own } = await visit("Chromium", {
    ...element('recipe-url="a.json" src="one.safetensors two.safetensors" load="visible"'),
    "/a.json": JSON.stringify({ recipe: 1, sources: [{ id: "a", label: "one.safetensors" }, { id: "b", label: "two.safetensors" }], mix: [{ src: "a", weight: 0.125 }, { src: "b" }], method: { id: "ties" }, output: { rank: { mode: "exact" }, dtype: "f16" } }),
    "/one.safetensors": readFileSync(files[0]),
    "/two.safetensors": readFileSync(files[1]),
  });
  const inner = await frame(page);
  await weight(inner, "one.safetensors").waitFor();
  await inner.waitForFunction(() => document.querySelector('[aria-label="Weight of one.safetensors"]')?.value === "0.125");
  assert.equal(await inner.locator("#method").inputValue(), "ties");
  assert.deepEqual(own.asked.filter((path) => /safetensors|json/.test(path)).sort(), ["/a.json", "/one.safetensors", "/two.safetensors"]);
  await page.context().close();
});

test("where the site does not answer the link stays, and another try is offered", async () => {
  const { page } = await visit("Chromium", element('origin="http://127.0.0.1:9/" load="click"'));
  await page.clock.install();
  await page.getByRole("button", { name: "Load this merge" }).click();
  await page.clock.fastForward(25_000);
  await page.getByRole("alert").waitFor();
  assert.match(await page.getByRole("alert").innerText(), /127\.0\.0\.1:9 does not answer/);
  assert.ok(await page.getByRole("link", { name: "Open this merge" }).isVisible());
  assert.ok(await page.getByRole("button", { name: "Try again" }).isVisible());
  await page.context().close();
});

test("the keyboard goes into the frame and out of it", async () => {
  const { page } = await visit("Chromium", element(`recipe="${recipe}"`, '<button id="after">After</button>'));
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  const inner = await frame(page);
  await give(page, paths());
  await inner.locator(".merge-bar button.primary:enabled").waitFor();
  const seen = new Set();
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate(() => document.activeElement?.id === "after")) break;
    seen.add(await inner.evaluate(() => document.activeElement?.textContent || document.activeElement?.getAttribute("aria-label")));
  }
  assert.ok(seen.has("Merge"), [...seen].join(", "));
  assert.equal(await page.evaluate(() => document.activeElement?.id), "after");
  await page.context().close();
});

for (const theme of ["light", "dark"]) {
  for (const width of [1280, 375]) {
    test(`axe: in a frame, ${theme}, ${width} px`, async () => {
      const { page } = await visit("Chromium", element(`recipe="${recipe}" view="all" poster="poster.svg"`), { theme, width });
      await page.getByRole("button", { name: "Load this merge" }).waitFor();
      await check(page, "the element before it is loaded");
      await page.getByRole("button", { name: "Load this merge" }).click();
      const inner = await frame(page);
      await inner.getByRole("region", { name: "Missing adapters" }).waitFor();
      await check(inner, "missing files");
      await give(page, paths());
      await merge(inner);
      await check(inner, "done");
      const wide = await inner.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${wide} px too wide`);
      await page.context().close();
    });
  }
}

test("the samples are the page's own, also in a frame", async () => {
  const { page } = await visit("Chromium", { "/": bare("", SANDBOX) });
  const inner = await frame(page);
  await inner.locator(".sample").first().click();
  await weight(inner, sample("turned-digits")).waitFor();
  await page.context().close();
});

test("the loader is at most 4 KB", () => {
  const size = gzipSync(readFileSync(join(dist, "embed.js")), { level: 9 }).length;
  assert.ok(size <= 4096, `${size} bytes after gzip`);
});
