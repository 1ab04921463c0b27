// Node's side: worker threads, files read by range.
//
// | source | what workers get | memory |
// |---|---|---|
// | path, file: address, FileHandle | its name or number | none |
// | all others | one shared copy of the bytes | their size |

import { readFile, stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { unread } from "./error.js";
import { bytesOf, pieces } from "./source.js";

/** Workers that run at once unless asked otherwise. */
export const cores = () => Math.min(8, availableParallelism());

/** Reads and compiles the engine. */
export async function compile(address = new URL("../wasm/engine.wasm", import.meta.url)) {
  const url = address instanceof URL ? address : URL.canParse(address) ? new URL(address) : null;
  if (url && url.protocol !== "file:") {
    const response = await fetch(url);
    if (!response.ok) throw new TypeError(`init: no engine at ${url}: ${response.status}`);
    return WebAssembly.compile(await response.arrayBuffer());
  }
  return WebAssembly.compile(await readFile(url ?? address));
}

const own = () => new Worker(new URL("./node-worker.js", import.meta.url));

/** Starts a worker with the engine in it. It keeps the program alive only while it is asked something. */
export function open(module, on, make = own) {
  const worker = make();
  worker.on("message", on.message);
  worker.on("error", (error) => on.error(error?.message ?? String(error)));
  worker.on("exit", (code) => on.error(`a worker ended with ${code}`));
  worker.postMessage(module);
  worker.unref();
  return {
    post: (message, move) => worker.postMessage(message, move),
    hold: (yes) => (yes ? worker.ref() : worker.unref()),
    end: () => void worker.terminate(),
  };
}

/** A source as workers can read it. */
export async function hold(source, options) {
  options.signal?.throwIfAborted();
  const path = pathOf(source);
  try {
    if (path !== null) return file(await stat(path), { path });
    if (Number.isInteger(source?.fd) && typeof source.stat === "function") return file(await source.stat(), { fd: source.fd });
  } catch (error) {
    throw unread(path ?? "A file", error);
  }
  const bytes = bytesOf(source);
  if (bytes?.buffer instanceof SharedArrayBuffer) return { bytes };
  if (bytes) return { bytes: shared([bytes], bytes.byteLength) };
  const parts = [];
  let size = 0;
  for await (const piece of pieces(source instanceof Blob ? source.stream() : source, options)) {
    parts.push(piece);
    size += piece.byteLength;
  }
  return { bytes: shared(parts, size) };
}

/** The rest of a file. */
export const after = (file, start) => (file.bytes ? { bytes: file.bytes.subarray(start) } : { ...file, start });

const file = ({ size, mtimeMs }, where) => ({ size, changed: mtimeMs, ...where });

/** The path of a string or a file: address; other addresses are fetched. */
function pathOf(source) {
  if (source instanceof URL) return source.protocol === "file:" ? fileURLToPath(source) : null;
  if (typeof source !== "string") return null;
  // A letter and a colon are a drive.
  if (!/^[a-z][a-z0-9+.-]+:/i.test(source)) return source;
  return source.startsWith("file:") ? fileURLToPath(source) : null;
}

function shared(parts, size) {
  const bytes = new Uint8Array(new SharedArrayBuffer(size));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  return bytes;
}

/** A file that the engine gives, as its chunks. */
export const given = ({ chunks }) => ({
  blob: () => new Blob(chunks, { type: "application/octet-stream" }),
  stream: () => ReadableStream.from(chunks),
  text: () => new Blob(chunks).text(),
});
