// The browser's side: workers made from a blob, files as Blobs.
//
// A worker from a blob obeys the policy of the page, needs no request, and works where the package lies on another
// host, from which no worker can be started. It is a plain script: Chromium starts no module from a blob in a frame without
// an origin.

import GLUE from "../wasm/text.js";
import { bytesOf, pieces } from "./source.js";

const BOOTSTRAP = "\nonmessage = e => initSync({ module: e.data });\n";
let glue;

/** Workers that run at once unless asked otherwise. */
export const cores = () => Math.min(8, Math.max(1, navigator.hardwareConcurrency || 2));

/** Fetches and compiles the engine. */
export async function compile(address = new URL("../wasm/engine.wasm", import.meta.url)) {
  const response = await fetch(address);
  if (response.ok && response.headers.get("content-type")?.startsWith("application/wasm")) return WebAssembly.compileStreaming(response);
  const bytes = response.ok ? new Uint8Array(await response.arrayBuffer()) : null;
  // Hosts of pages answer with a page where they find nothing.
  if (bytes?.[0] !== 0 || bytes[1] !== 0x61) throw new TypeError(`init: no engine at ${response.url}; give its address as wasmUrl, see "Bundlers" in the README`);
  return WebAssembly.compile(bytes);
}

/** Starts a worker with the engine in it. */
export function open(module, on, make = fromBlob) {
  const worker = make();
  worker.onmessage = ({ data }) => on.message(data);
  worker.onerror = (event) => {
    event.preventDefault();
    on.error(event.message ?? "a worker could not start");
  };
  worker.postMessage(module);
  return {
    post: (message, move) => worker.postMessage(message, move),
    hold() {},
    end: () => worker.terminate(),
  };
}

function fromBlob() {
  glue ??= URL.createObjectURL(new Blob([GLUE, BOOTSTRAP], { type: "text/javascript" }));
  return new Worker(glue);
}

/** A source as a Blob, which workers read by range. */
export async function hold(source, options) {
  options.signal?.throwIfAborted();
  if (source instanceof Blob) return source;
  const bytes = bytesOf(source);
  // The platform copies; shared memory it does not take.
  if (bytes) return new Blob([bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice()]);
  let blob = new Blob([]);
  let parts = [];
  let size = 0;
  for await (const piece of pieces(source, options)) {
    parts.push(piece);
    size += piece.byteLength;
    if (size < 64 << 20) continue;
    // What is in a Blob the browser may keep on the disk.
    blob = new Blob([blob, ...parts]);
    [parts, size] = [[], 0];
  }
  return new Blob([blob, ...parts]);
}

/** The rest of a file. */
export const after = (file, start) => file.slice(start);

/** A file that the engine gives. */
export const given = (blob) => ({ blob: () => blob, stream: () => blob.stream(), text: () => blob.text() });
