// Where the page is: at RANKWEAVE_URL, or served here from dist/ with the headers of its _headers file.

import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { extname, join, normalize, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository. */
export const root = resolve(fileURLToPath(import.meta.url), "../../../..");

/** The built site. */
export const dist = process.env.RANKWEAVE_DIST ?? join(root, "dist");

/** Types of files by their endings. */
export const types = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".wasm": "application/wasm",
  ".svg": "image/svg+xml",
  ".json": "application/json",
  ".webmanifest": "application/manifest+json",
};

/** Serves dist/; `headers: false` is a host that cannot send any. */
export async function serve({ headers = true } = {}) {
  if (!existsSync(join(dist, "index.html"))) throw new Error(`no page in ${dist}: run cargo xtask build`);
  const rules = headers ? await read() : [];
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    const file = join(dist, path.endsWith("/") ? `${path}index.html` : path);
    const own = of(rules, path);
    try {
      const body = await readFile(file);
      response.writeHead(200, { ...own, "content-type": types[extname(file)] ?? "application/octet-stream" });
      response.end(body);
    } catch {
      response.writeHead(404, own).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}

/** The rules of _headers: `[pattern, [[name, value]]]`; what is taken back has no value. */
async function read() {
  const text = (await readFile(join(dist, "_headers"), "utf8")).replace(/^#.*\n/gm, "");
  return text.split(/^(?=\S)/m).map((part) => {
    const [pattern, ...lines] = part.split("\n").map((line) => line.trim()).filter(Boolean);
    return [pattern, lines.map((line) => (line.startsWith("!") ? [line.slice(1).trim()] : line.split(/:\s*(.*)/s).slice(0, 2)))];
  });
}

/** The headers for a path. */
function of(rules, path) {
  const found = {};
  for (const [pattern, headers] of rules) {
    if (pattern === path || (pattern?.endsWith("*") && path.startsWith(pattern.slice(0, -1)))) {
      for (const [name, value] of headers) {
        if (value === undefined) delete found[name];
        else found[name] = value;
      }
    }
  }
  return found;
}

/** The page as the tests use it. */
export async function site() {
  const given = process.env.RANKWEAVE_URL;
  return given ? { url: given.endsWith("/") ? given : `${given}/`, close() {} } : serve();
}
