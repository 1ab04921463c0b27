// What adapters can be read from, where it is the same in pages and in Node.

import { unread } from "./error.js";
import { until } from "./abort.js";

/** Bytes asked of a reader at a time. */
const PIECE = 8 << 20;

const isBytes = (source) =>
  source instanceof ArrayBuffer || ArrayBuffer.isView(source) || (typeof SharedArrayBuffer === "function" && source instanceof SharedArrayBuffer);

/** The bytes of a buffer or a view, as a view that shares them. */
export const bytesOf = (source) =>
  !isBytes(source) ? null : ArrayBuffer.isView(source) ? new Uint8Array(source.buffer, source.byteOffset, source.byteLength) : new Uint8Array(source);

/** The last part of its path, where it has one. */
export function nameOf(source) {
  if (typeof source?.name === "string" && source.name) return source.name;
  if (typeof source !== "string" && !(source instanceof URL)) return undefined;
  const path = String(source).replace(/[?#].*$/, "");
  return path.split(/[/\\]/).pop() || undefined;
}

/** All bytes of a source that is not in memory, piece by piece. */
export async function* pieces(source, { signal, onProgress }) {
  let done = 0;
  const told = (piece, total) => {
    done += piece.byteLength;
    onProgress?.({ phase: "read", done, total });
    return piece;
  };
  if (typeof source === "string" || source instanceof URL) {
    const response = await fetch(source, { signal }).catch((error) => {
      throw signal?.aborted ? signal.reason : unread(String(source), error);
    });
    if (!response.ok) throw unread(String(source), `${response.status} ${response.statusText}`.trim());
    // Packed on the way, the length is another one.
    const length = response.headers.has("content-encoding") ? undefined : Number(response.headers.get("content-length")) || undefined;
    for await (const piece of chunks(response.body, signal)) yield told(piece, length);
  } else if (typeof source?.read === "function" && Number.isSafeInteger(source.size)) {
    while (done < source.size) {
      const length = Math.min(PIECE, source.size - done);
      const piece = bytesOf(await until(signal, Promise.resolve(source.read(done, length, { signal }))));
      if (piece?.byteLength !== length) {
        throw unread("A source", `asked for ${length} bytes at ${done}, it gave ${piece?.byteLength ?? "no bytes"}`);
      }
      yield told(piece, source.size);
    }
  } else if (typeof source?.getReader === "function" || typeof source?.[Symbol.asyncIterator] === "function") {
    for await (const piece of chunks(source, signal)) yield told(piece, undefined);
  } else {
    throw new TypeError("open: expected a Blob, bytes, an address, a stream or { size, read }");
  }
}

/** A stream's chunks. Not every browser lets a stream be iterated. */
async function* chunks(stream, signal) {
  if (typeof stream.getReader !== "function") {
    for await (const chunk of stream) {
      signal?.throwIfAborted();
      yield bytes(chunk);
    }
    return;
  }
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await until(signal, reader.read());
      if (done) return;
      yield bytes(value);
    }
  } finally {
    // At its end this does nothing.
    reader.cancel().catch(() => {});
  }
}

function bytes(chunk) {
  const found = bytesOf(chunk);
  if (!found) throw new TypeError("open: expected a stream of bytes");
  return found;
}
