// Pages of another site that embed this one: served under another name than the site, so that both are strangers.

import { createServer } from "node:http";
import { inflateRawSync } from "node:zlib";
import { types } from "./site.mjs";

/**
 * A host with these pages: path → content. It allows itself frames and scripts of the site, and nothing inline; requests
 * that it got are in `asked`.
 */
export async function host(site, pages) {
  const own = new URL(site).origin;
  const policy = `default-src 'none'; script-src 'self' ${own}; frame-src ${own} 'self' http://127.0.0.1:*; img-src 'self' data:; connect-src 'self'`;
  const asked = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url, "http://x").pathname;
    asked.push(path);
    const body = pages[path];
    if (body === undefined) return response.writeHead(404, { "content-type": "text/plain" }).end();
    const type = types[path.match(/\.\w+$/)?.[0] ?? ".html"] ?? "application/octet-stream";
    response.writeHead(200, { "content-type": type, "content-security-policy": policy }).end(body);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://localhost:${server.address().port}/`, asked, close: () => server.close() };
}

/** A page with this in its body. */
export const html = (body, head = "") =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A host</title><link rel="icon" href="data:,">${head}</head><body><main><h1>A host</h1>${body}</main></body></html>`;

/** A picture. */
export const poster = '<svg xmlns="http://www.w3.org/2000/svg" width="64" height="32"><rect width="64" height="32" fill="#20306f"/></svg>';

/** The recipe of two files at these weights, as a link's text; the page makes it. */
export async function link(page, add, paths, weight, value) {
  await add(page, paths);
  await weight(page, paths[0]).fill(value);
  await page.waitForURL(/#r=1z/);
  for (let i = 0; i < 100; i++) {
    await page.waitForTimeout(100);
    const text = new URL(page.url()).hash.match(/r=(1z[^&]+)/)?.[1];
    const recipe = text && JSON.parse(inflateRawSync(Buffer.from(text.slice(2), "base64url")));
    if (recipe?.mix[0].weight === Number(value) && recipe.sources.length === paths.length) return text;
  }
  throw new Error(`no link with ${value}`);
}

/** The site's frame in a page, once it can take files. */
export async function frame(page) {
  await page.locator("iframe").first().waitFor();
  for (let i = 0; i < 600; i++) {
    const found = page.frames().find((frame) => frame.url().includes("/embed/"));
    if (found && (await found.locator("#adapter-files:enabled").count().catch(() => 0))) return found;
    await page.waitForTimeout(50);
  }
  throw new Error(`no frame is ready: ${page.frames().map((frame) => frame.url())}`);
}
