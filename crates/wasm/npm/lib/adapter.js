// What is open: adapters, and the base model.

import { closed } from "./error.js";

/** An open adapter. Its header has been read, and nothing else of it. */
export class Adapter {
  #parts;

  constructor(parts) {
    this.#parts = parts;
    /** What the header says. */
    this.info = parts.info;
    /** What it is called. */
    this.label = parts.input.label;
  }

  /** What the file says of itself. */
  about(options) {
    return this.#open.engine.ask({ About: { adapter: this.number } }, options);
  }

  /** One factor per block of its family, from a preset, a list or names as people type them. */
  blocks(typed, options) {
    return this.#open.engine.ask({ Blocks: { adapter: this.number, text: typed } }, options);
  }

  /** Reads the file whole: its hashes, and whether its numbers are sound. */
  async check(options) {
    const { engine, input, file } = this.#open;
    const checked = await engine.alone({ Check: { input } }, [file], options);
    Object.assign(this.#open, { reading: checked.reading, data: checked.hashes.find(({ name, there }) => there && name === "SHA-256, tensors")?.text });
    return { hashes: checked.hashes, claims: checked.claims };
  }

  /** Forgets the file. */
  close() {
    this.#parts?.engine.close(this.#parts.number);
    this.#parts = undefined;
  }

  // For the engine.
  get number() {
    return this.#open.number;
  }
  get input() {
    return this.#open.input;
  }
  get file() {
    return this.#open.file;
  }
  get reading() {
    return this.#open.reading;
  }
  /** SHA-256 of its tensor data, once it is known. */
  get data() {
    return this.#open.data;
  }
  set data(digits) {
    this.#open.data = digits;
  }

  get #open() {
    if (!this.#parts) throw closed(this.label);
    return this.#parts;
  }
}

/** An open base model: its headers have been read, and nothing else of it. */
export class Base {
  constructor(request, files, model) {
    this.request = request;
    this.files = files;
    this.model = model;
    this.label = model.label;
  }
}
