// The playground, served as it will stand in the site: beside the main page's sheets and the package for programs.

import { createServer } from "node:http";
import { existsSync, readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { extname, join, normalize } from "node:path";
import { root, types } from "./site.mjs";

/** The folder of the package, as `cargo xtask npm` makes it. */
const made = process.env.RANKWEAVE_PACKAGE ?? join(root, "target/npm/rankweave");

/** Where the package is, or null. */
export const packaged = existsSync(join(made, "wasm/engine.wasm")) ? made : null;

const folders = { playground: join(root, "www/playground"), css: join(root, "www/css"), icons: join(root, "www/icons"), npm: made };

/** Without headers, as on a host that sends none; `missing` paths are not there. */
export async function serve(missing = []) {
  const server = createServer(async (request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url, "http://x").pathname));
    const [, first, ...rest] = path.split("/");
    const file = path === "/theme.js" ? join(root, "www/theme.js") : join(folders[first] ?? "/nowhere", rest.join("/") || "index.html");
    try {
      if (missing.some((part) => path.includes(part))) throw new Error("missing");
      const body = await readFile(file);
      response.writeHead(200, { "content-type": types[extname(file)] ?? "application/octet-stream" }).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}/playground/`, close: () => server.close() };
}

/** The policy that the site's hosts are asked to send. */
export const policy = () => readFileSync(join(root, "www/_headers"), "utf8").match(/Content-Security-Policy: (.+)/)[1];
