// Nothing leaves the browser: no request after load, and none to anyone else at all.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { broken, made } from "./lib/files.mjs";
import { add, drop, merge, mergeButton, pages, save } from "./lib/page.mjs";
import { serve } from "./lib/site.mjs";

const open = pages();

/** A server of someone else's, that counts who comes. */
const sink = { hits: 0 };
before(async () => {
  sink.server = createServer((request, response) => {
    sink.hits++;
    response.writeHead(200, { "access-control-allow-origin": "*" }).end("leaked");
  });
  await new Promise((done) => sink.server.listen(0, "127.0.0.1", done));
  sink.url = `http://127.0.0.1:${sink.server.address().port}/leak`;
});
after(() => sink.server.close());

test("no request after load: drop, merge, cancel, save, an error, samples", async () => {
  const page = await open();
  const requests = [];
  page.context().on("request", (request) => requests.push(request.url()));
  const paths = [made("one.safetensors", { rank: 4, seed: 5 }), made("two.safetensors", { rank: 7, seed: 6 })];
  await drop(page, paths);
  await drop(page, [broken()]);
  await page.locator(".trouble").waitFor();
  await save(page, await merge(page));
  await (await mergeButton(page)).click();
  await page.keyboard.press("Escape");
  await merge(page);
  await page.getByRole("button", { name: "Show" }).first().click().catch(() => {});
  for (const label of ["one", "two"]) await page.getByRole("button", { name: `Remove ${label}.safetensors` }).click();
  await page.locator(".sample").first().click();
  await merge(page);
  const sent = requests.filter((url) => !url.startsWith("blob:"));
  assert.deepEqual(sent, []);
  assert.equal(await page.locator(".privacy summary").innerText(), "0 requests since load");
});

async function leaks(page) {
  const attempt = (url) => fetch(url).then(() => "sent", () => "blocked");
  const before = sink.hits;
  assert.equal(await page.evaluate(attempt, sink.url), "blocked");
  await add(page, [made("one.safetensors", { rank: 4, seed: 5 })]);
  await mergeButton(page);
  assert.ok(page.workers().length >= 2, "the engine's workers are not there");
  for (const worker of page.workers()) {
    assert.equal(await worker.evaluate(attempt, sink.url), "blocked");
  }
  const image = await page.evaluate((url) => new Promise((done) => {
    const image = new Image();
    image.onload = () => done("sent");
    image.onerror = () => done("blocked");
    image.src = url;
  }), sink.url);
  assert.equal(image, "blocked");
  assert.equal(sink.hits, before, "a request arrived");
}

test("a request to another origin is blocked, in the page and in every worker", async () => {
  await leaks(await open());
});

test("the same on a host that cannot send headers", async () => {
  const plain = await serve({ headers: false });
  try {
    await leaks(await open({ url: plain.url }));
  } finally {
    plain.close();
  }
});
