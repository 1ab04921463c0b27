// The page that fetches adapters: nothing without a click, by ranges, paused and taken up again, checked, handed to the
// page that opened it, and no other host than the one it names. The host is played.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { made } from "./lib/files.mjs";
import { pages } from "./lib/page.mjs";
import { dist } from "./lib/site.mjs";
import { read } from "./lib/safetensors.mjs";

const open = pages();
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// Larger than a piece of 8 MiB.
const path = made("fetched.safetensors", { count: 4, width: 1024, rank: 320, seed: 9 });
const bytes = readFileSync(path);
const data = createHash("sha256").update(read(path).data).digest("hex");
const place = `hf:someone/loras@${"a".repeat(40)}/styles/ink one.safetensors`;
const address = (more = {}) => `fetch/#${new URLSearchParams({ at: place, ...more })}`;
const cors = { "access-control-allow-origin": "*", "access-control-expose-headers": "content-range" };

/** Plays the host: gives ranges, but where `trouble(number of the request)` says what to do instead. */
async function host(context, trouble = () => null) {
  const asked = [];
  await context.route("https://huggingface.co/**", async (route) => {
    const request = route.request();
    const range = await request.headerValue("range");
    asked.push({ url: request.url(), range, method: request.method() });
    const other = trouble(asked.length);
    if (other === "abort") return route.abort("connectionreset");
    if (other === "wait") return;
    if (other) return route.fulfill({ headers: cors, ...other });
    const [from, to] = /^bytes=(\d+)-(\d+)$/.exec(range).slice(1).map(Number);
    const body = bytes.subarray(from, to + 1);
    return route.fulfill({ status: 206, body, headers: { ...cors, "content-range": `bytes ${from}-${from + body.length - 1}/${bytes.length}` } });
  });
  return asked;
}

/** Opens it by itself. */
async function alone(hash, trouble, options = {}) {
  const page = await open({ ...options, until: () => {} });
  const asked = await host(page.context(), trouble);
  await page.goto(new URL(hash, page.url()).href);
  await page.locator("h1").waitFor();
  return { page, asked, start: page.locator("#start"), said: page.locator("#said"), trouble: page.locator("#trouble") };
}

test("it is there", () => assert.ok(existsSync(join(dist, "fetch/index.html"))));

test("opened by the page: nothing without a click, then the file arrives, whole and checked", async () => {
  const page = await open();
  const asked = await host(page.context());
  const [popup] = await Promise.all([
    page.waitForEvent("popup"),
    page.evaluate((address) => {
      globalThis.arrived = new Promise((done) => addEventListener("message", ({ origin, data }) => origin === location.origin && data?.rankweave === "fetched" && done(data)));
      globalThis.other = open(address, "fetch");
    }, address({ data: `sha256:${data}`, name: "ink.safetensors" })),
  ]);
  await popup.locator("#start:enabled").waitFor();
  assert.match(await popup.locator("#facts").innerText(), /ink\.safetensors[\s\S]*someone\/loras@a+\/styles\/ink one/);
  await popup.waitForTimeout(300);
  assert.equal(asked.length, 0, "it asked before it was told to");
  await popup.locator("#start").click();
  await popup.locator("#said").filter({ hasText: "The page that asked for it has it" }).waitFor({ timeout: 30_000 });
  const got = await page.evaluate(async () => {
    const { place, file } = await globalThis.arrived;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    return { place, name: file.name, size: file.size, hash: Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join("") };
  });
  assert.deepEqual(got, { place, name: "ink.safetensors", size: bytes.length, hash: createHash("sha256").update(bytes).digest("hex") });
  assert.deepEqual(asked.map(({ range }) => range), ["bytes=0-8388607", "bytes=8388608-16777215"]);
  assert.ok(asked.every(({ method, url }) => method === "GET" && url === `https://huggingface.co/someone/loras/resolve/${"a".repeat(40)}/styles/ink%20one.safetensors`));
});

test("a line that breaks is taken up again, and so is a pause", async () => {
  const { page, asked, start, said } = await alone(address({ data: `sha256:${data}` }), (n) => ({ 1: "abort", 3: "wait" })[n]);
  await start.click();
  await said.filter({ hasText: "trying again" }).waitFor();
  await said.filter({ hasText: /^8\.4 MB of/ }).waitFor({ timeout: 30_000 });
  await page.getByRole("button", { name: "Pause" }).click();
  await said.filter({ hasText: "Paused at 8.4 MB" }).waitFor();
  await page.getByRole("button", { name: "Go on" }).click();
  await said.filter({ hasText: "It is the one that is wanted." }).waitFor({ timeout: 30_000 });
  assert.equal(asked.at(-1).range, "bytes=8388608-16777215");
  const [saved] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Save the file" }).click()]);
  assert.deepEqual(readFileSync(await saved.path()), bytes);
});

test("another file is not handed over", async () => {
  const { page, start, trouble } = await alone(address({ data: `sha256:${"0".repeat(64)}` }));
  await start.click();
  await trouble.filter({ hasText: `another file than the one that is wanted: its SHA-256 after the header is ${data}` }).waitFor({ timeout: 30_000 });
  assert.equal(await page.locator("#save").isVisible(), false);
});

for (const [why, answer, says] of [
  ["needs an account", { status: 401 }, /signed in/],
  ["is not there", { status: 404 }, /no such file/],
  ["is no safetensors file", { status: 206, body: Buffer.alloc(32, 255) }, /no safetensors file/],
]) {
  test(`a file that ${why} is told so`, async () => {
    const { start, trouble } = await alone(address(), () => answer);
    await start.click();
    await trouble.filter({ hasText: says }).waitFor();
  });
}

test("an address that names no file does nothing", async () => {
  for (const hash of ["", "at=https://example.org/a", "at=hf:a/b@c/../d", "at=hf:a/b@../d", "at=hf:a/b/c", "at=hf:a/b@c/d&data=sha256:1"]) {
    const { page, asked, start, trouble } = await alone(`fetch/#${hash}`);
    assert.notEqual(await trouble.innerText(), "", hash);
    assert.ok(await start.isDisabled(), hash);
    assert.equal(asked.length, 0);
    await page.context().close();
  }
});

test("it can ask the host that it names, and nobody else; the main page cannot ask that host", async () => {
  const { page } = await alone(address());
  const attempt = (url) => fetch(url).then(() => "sent", () => "blocked");
  await page.context().route("https://example.org/**", (route) => route.fulfill({ headers: cors, body: "leaked" }));
  assert.equal(await page.evaluate(attempt, "https://example.org/"), "blocked");
  assert.equal(await page.evaluate(attempt, "https://huggingface.co.example.org/"), "blocked");
  const main = await open();
  await host(main.context(), () => ({ status: 200, body: "leaked" }));
  assert.equal(await main.evaluate(attempt, "https://huggingface.co/a"), "blocked");
});

for (const theme of ["light", "dark"]) {
  for (const width of [1280, 375]) {
    test(`axe: ${theme}, ${width} px`, async () => {
      const { page, start, said } = await alone(address({ data: `sha256:${data}`, size: String(bytes.length) }), (n) => (n === 2 ? "wait" : null), { theme, width });
      const look = async () => {
        const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
        assert.deepEqual(violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.html)}`), []);
        assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= width);
      };
      await page.evaluate(axe);
      await look();
      await start.click();
      await said.filter({ hasText: /^8\.4 MB of/ }).waitFor({ timeout: 30_000 });
      await look();
    });
  }
}
