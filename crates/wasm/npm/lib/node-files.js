// Files for the engine in a worker thread: as much of a browser's Blob and FileReaderSync as it uses. Node's own Blob
// cannot be read at once, and those of files cannot be sent to workers.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Ranges of files and of bytes, one after the other. Unlike a browser's, it shares the bytes that it is made of. */
export class Blob {
  #parts;

  /** `parts`: bytes, texts and other Blobs. */
  constructor(parts = []) {
    this.#parts = parts.flatMap((part) => {
      if (part instanceof Blob) return part.#parts;
      const bytes = typeof part === "string" ? new TextEncoder().encode(part) : new Uint8Array(part.buffer ?? part, part.byteOffset, part.byteLength);
      return [{ file: { bytes }, start: 0, end: bytes.byteLength }];
    });
    this.size = this.#parts.reduce((sum, { start, end }) => sum + end - start, 0);
  }

  /** A file as the other side describes it: a path or an open file with its size, from `start` if it is
   * not all that is meant, or bytes. */
  static of(file) {
    const blob = new Blob();
    const [start, end] = [file.start ?? 0, file.bytes?.byteLength ?? file.size];
    blob.size = end - start;
    blob.#parts = [{ file, start, end }];
    return blob;
  }

  slice(start = 0, end = this.size) {
    const slice = new Blob();
    let at = 0;
    for (const part of this.#parts) {
      const length = part.end - part.start;
      const [from, to] = [Math.max(start - at, 0), Math.min(end - at, length)];
      if (from < to) slice.#parts.push({ file: part.file, start: part.start + from, end: part.start + to });
      at += length;
    }
    slice.size = Math.max(0, Math.min(end, this.size) - start);
    return slice;
  }

  /** Its bytes as they lie in memory. */
  chunks() {
    return this.#parts.map(({ file, start, end }) => file.bytes?.subarray(start, end) ?? this.#read([{ file, start, end }]));
  }

  /** All bytes, in one new buffer. */
  read() {
    return this.#read(this.#parts).buffer;
  }

  #read(parts) {
    const target = new Uint8Array(parts.reduce((sum, { start, end }) => sum + end - start, 0));
    const opened = new Map();
    let at = 0;
    try {
      for (const { file, start, end } of parts) {
        if (file.bytes) {
          target.set(file.bytes.subarray(start, end), at);
          at += end - start;
          continue;
        }
        if (!opened.has(file)) opened.set(file, open(file));
        for (let from = start; from < end; ) {
          const read = readSync(opened.get(file), target, at, end - from, from);
          if (read === 0) throw new Error("the file is shorter than when it was opened");
          at += read;
          from += read;
        }
      }
    } finally {
      for (const [file, number] of opened) if (file.fd === undefined) closeSync(number);
    }
    return target;
  }
}

function open({ path, fd, size, changed }) {
  const number = fd ?? openSync(path, "r");
  const now = fstatSync(number);
  if (now.size === size && now.mtimeMs === changed) return number;
  if (fd === undefined) closeSync(number);
  throw new Error("the file was changed after it was opened");
}

/** Reads Blobs at once. */
export class FileReaderSync {
  readAsArrayBuffer(blob) {
    return blob.read();
  }
}
