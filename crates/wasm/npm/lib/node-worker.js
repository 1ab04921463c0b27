// The engine in a worker thread: what it expects of a browser's worker, then the engine itself.

import { parentPort } from "node:worker_threads";
import { Blob, FileReaderSync } from "./node-files.js";
import { initSync } from "../wasm/engine.js";

const isFile = (value) => value !== null && typeof value === "object" && (typeof value.size === "number" || value.bytes instanceof Uint8Array);

Object.assign(globalThis, {
  Blob,
  FileReaderSync,
  postMessage(message, move) {
    const chunks = new Set(move);
    const posted = message.map((value) => {
      if (!(value instanceof Blob)) return value;
      const given = value.chunks();
      for (const chunk of given) chunks.add(chunk.buffer);
      return { chunks: given };
    });
    parentPort.postMessage(posted, [...chunks]);
  },
});

// Files come after the number, the sort and the body.
const message = (data) => data.map((value, at) => (at > 2 && isFile(value) ? Blob.of(value) : value));

parentPort.once("message", (module) => {
  initSync({ module });
  parentPort.on("message", (data) => globalThis.onmessage({ data: message(data) }));
});
