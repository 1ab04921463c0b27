// A host of plain files, as strict as one may be.

import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname, join, normalize } from "node:path";

const types = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".wasm": "application/wasm", ".json": "application/json" };

/** The policy of the page's own site, as far as a module and its workers are concerned. */
export const policy = (workers = "'self' blob:") =>
  `default-src 'none'; connect-src 'self'; script-src 'self' 'wasm-unsafe-eval'; worker-src ${workers}`;

/** Serves the files of folders, the first that has one; `headers` go with each. */
export async function host(folders, headers = {}) {
  const server = createServer(async (request, response) => {
    const asked = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    const path = asked.endsWith("/") ? `${asked}index.html` : asked;
    for (const folder of folders) {
      try {
        const body = await readFile(join(folder, path));
        response.writeHead(200, { "content-type": types[extname(path)] ?? "application/octet-stream", ...headers }).end(body);
        return;
      } catch {
        // Perhaps the next has it.
      }
    }
    response.writeHead(404, headers).end();
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}/`, close: () => server.close() };
}
