// A file by ranges, one after the other, so that it can be paused, and taken up again where the line broke.
//
// `Range: bytes=a-b` needs no question beforehand (a preflight), and what is read is hashed as it comes: the bytes after a
// safetensors file's header, whose length stands in its first eight bytes.

import { Sha256 } from "./sha256.js";

/** Bytes asked for at once. */
const PIECE = 8 * 2 ** 20;
/** How often a piece is asked for again, and milliseconds before the first of these times; each waits twice as long. */
const AGAIN = 5;
const WAIT = 1000;
/** Longest header that the format allows, in bytes. */
const HEADER = 100_000_000;

/** Something that trying again does not mend. */
class Refused extends Error {}

export class Download {
  #parts = [];
  #hash = new Sha256();
  /** First bytes, until the length of the header is known; then null. */
  #head = new Uint8Array(0);
  /** Bytes of the header that are still to come. */
  #skip = 0;

  /** Bytes that are there. */
  done = 0;
  /** Bytes in all, once they are known. */
  total = null;

  constructor(url, { piece = PIECE, wait = WAIT } = {}) {
    Object.assign(this, { url, piece, wait });
  }

  /** Goes on to the end, or until the signal; `progress` is called after every piece, and before waiting for another try. */
  async run(signal, progress = () => {}) {
    while (this.total === null || this.done < this.total) {
      const { bytes, total, whole } = await this.#tried(signal, progress);
      this.#take(bytes);
      this.total = total ?? (whole || bytes.length < this.piece ? this.done : null);
      progress();
    }
    if (this.#head) throw new Refused("This is no safetensors file: it ends before its header.");
  }

  /** The file. */
  file(name) {
    return new File(this.#parts, name, { type: "application/octet-stream" });
  }

  /** SHA-256 of the bytes after the header; only once, at the end. */
  digest() {
    return this.#hash.hex();
  }

  async #tried(signal, progress) {
    for (let time = 0; ; time++) {
      try {
        return await this.#piece(signal);
      } catch (error) {
        if (signal.aborted || error instanceof Refused || time === AGAIN) throw error;
        progress(error);
        await pause(this.wait * 2 ** time, signal);
      }
    }
  }

  async #piece(signal) {
    const range = `bytes=${this.done}-${this.done + this.piece - 1}`;
    const answer = await fetch(this.url, { headers: { Range: range }, credentials: "omit", referrerPolicy: "no-referrer", signal });
    const [, from, total] = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.headers.get("content-range") ?? "") ?? [];
    if (answer.status === 416 && this.done > 0) return { bytes: new Uint8Array(0), whole: true };
    if ([401, 403].includes(answer.status)) throw new Refused("The host does not give this file to everyone: download it there, signed in, and drop it on the page.");
    if (answer.status === 404) throw new Refused("The host has no such file.");
    if (answer.status === 200 && this.done > 0) throw new Refused("The host does not give parts of files, so the download cannot go on where it stopped.");
    if (answer.status !== 200 && answer.status !== 206) throw new Error(`the host answered ${answer.status}`);
    if (from !== undefined && Number(from) !== this.done) throw new Refused("The host gave another part than was asked for.");
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.status === 206 && bytes.length > this.piece) throw new Refused("The host gave more than was asked for.");
    return { bytes, total: total === undefined ? undefined : Number(total), whole: answer.status === 200 };
  }

  #take(bytes) {
    this.#parts.push(new Blob([bytes]));
    this.done += bytes.length;
    if (this.#head) {
      const head = new Uint8Array(this.#head.length + bytes.length);
      head.set(this.#head);
      head.set(bytes, this.#head.length);
      this.#head = head;
      if (head.length < 8) return;
      const length = new DataView(head.buffer).getBigUint64(0, true);
      if (length > HEADER) throw new Refused("This is no safetensors file: its header is too long.");
      this.#skip = Number(length);
      this.#head = null;
      bytes = head.subarray(8);
    }
    const skipped = Math.min(this.#skip, bytes.length);
    this.#skip -= skipped;
    this.#hash.add(bytes.subarray(skipped));
  }
}

const pause = (time, signal) => new Promise((done, fail) => {
  const timer = setTimeout(done, time);
  signal.addEventListener("abort", () => (clearTimeout(timer), fail(signal.reason)), { once: true });
});
