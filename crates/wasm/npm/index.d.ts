// Rankweave in a page or in Node. What the engine answers is declared under the names and in the spelling of its JSON,
// which is that of the command line too: see answers.d.ts.

import type { About, Checked, Conflicts, Estimate, Facts, Fit, Kind, Method, Place, Reason, RankSetting, Recipe, Report, Shared, Summary } from "./answers.js";
export type * from "./answers.js";

/** Something that can be given up and that tells how far it is. */
export interface Options<P = Progress> {
  /** Aborting it rejects the promise with the signal's reason and ends the workers that are at it. */
  signal?: AbortSignal;
  /** Hears how far it is. */
  onProgress?: (progress: P) => void;
}

/** How far something is. */
export interface Progress {
  /** `read`: bytes of a source, or a share of a file; in a merge, bytes that are hashed. `survey`, then `merge`: modules. */
  phase: "read" | "survey" | "merge";
  /** So much is done. */
  done: number;
  /** Of so much; not known of a stream. A merge counts modules in all its rounds. */
  total?: number;
  /** In a merge: bytes written. */
  bytes?: number;
}

/**
 * A file to read. In a page a `Blob` (a dropped `File`) is read by range and takes no memory; so are in Node a path, a
 * `file:` address and a `FileHandle`. All others are copied once: an address is fetched, a stream and a reader are read to
 * their end.
 */
export type Source =
  | Blob
  | ArrayBuffer
  | ArrayBufferView
  | URL
  | string
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Reader
  | { readonly fd: number; stat(): Promise<unknown> };

/** Something of known size that gives ranges of its bytes. */
export interface Reader {
  /** Bytes in all. */
  size: number;
  /** What it is called. */
  name?: string;
  /** Exactly `length` bytes from `offset`. */
  read(offset: number, length: number, options: { signal?: AbortSignal }): Promise<Uint8Array> | Uint8Array;
}

/** Where the engine comes from. Nothing of it is needed unless a bundler or a policy is in the way. */
export interface InitOptions {
  /** Workers that merge at once; 1 to 8, as many as there are cores. Each has memory of its own. */
  threads?: number;
  /** Where `rankweave/engine.wasm` lies, if not beside the package. */
  wasmUrl?: string | URL;
  /** Its bytes. */
  bytes?: ArrayBuffer | ArrayBufferView;
  /** It, compiled: a `WebAssembly.Module`. */
  module?: object;
  /** Makes a worker from `rankweave/worker`, where none may be made from a `blob:`. */
  worker?: () => WorkerLike;
}

/** A worker of a page, or of `node:worker_threads`. */
export interface WorkerLike {
  postMessage(message: any, transfer?: any): void;
  terminate(): unknown;
}

/** Loads the engine. Its workers start when they are needed. */
export function init(options?: InitOptions): Promise<Engine>;

/** Adapters in, a merged one out. A recipe is an object, its JSON, or a link to one (`1z…`, or an address with `#r=`). */
export interface Engine {
  /** The methods that a recipe can name. */
  methods(): Promise<Method[]>;
  /** Reads the header of an adapter's file. `label` is the file's name unless said otherwise. */
  open(source: Source, options?: Options & { label?: string; config?: string | object }): Promise<Adapter>;
  /** Reads the headers of a base model's files, for adapters that need its weights (`needs_base`). */
  base(files: Source | Source[], options?: Options & { label?: string; index?: string | object }): Promise<Base>;
  /** How adapters go together: what they share, what differs, and what to do about it. From headers alone. */
  compare(adapters: Adapter[], options?: { signal?: AbortSignal }): Promise<Fit>;
  /** Where adapters pull against each other, entry by entry: in some rows of each module, or in all. Only the weights of a
   * recipe count. */
  analyze(
    adapters: Adapter[],
    options?: Options & { exact?: boolean; weights?: number[]; seed?: number; recipe?: Recipe | string; base?: Base },
  ): Promise<Conflicts>;
  /** What a merge would give, from headers alone; rejects with all that is wrong with it. */
  plan(recipe: Recipe | string, adapters: Adapter[], options?: { signal?: AbortSignal; base?: Base }): Promise<Estimate>;
  /** Merges, with the adapters in the order of the recipe's sources. The file goes to `sink`, which is closed at its end
   * and aborted if the merge fails. */
  merge(recipe: Recipe | string, adapters: Adapter[], options: MergeOptions & { sink: WritableStream<Uint8Array> }): Promise<Merged>;
  /** The same; the file is a Blob in the result. */
  merge(recipe: Recipe | string, adapters: Adapter[], options?: MergeOptions): Promise<Merged & { blob: Blob }>;
  /** The recipe to be passed on, with what is known of the adapters: names, sizes, and hashes of those that were checked. */
  share(
    recipe: Recipe | string,
    adapters: Adapter[],
    options?: {
      /** Whether the names of files are told; yes. */
      names?: boolean;
      /** Address of the page that the QR code opens. */
      page?: string;
      /** Hash of the tensor data that comes out, if it is known: `Summary.data_sha256`. */
      expected?: string;
      signal?: AbortSignal;
    },
  ): Promise<Shared>;
  /** Ends all workers; what is open is closed. */
  dispose(): void;
}

/** How to merge. */
export interface MergeOptions extends Options {
  /** Where adapters need its weights. */
  base?: Base;
  /** Whether adapters may hold something else than those that the recipe was made with, by its hashes; no. */
  anyFiles?: boolean;
}

/** What came of a merge, beside the file. */
export interface Merged {
  /** The totals, a suggested name, the hash. */
  summary: Summary;
  /** All there is to say, by module; what the command line writes with `--report`. */
  report: Report;
  /** Text of the `adapter_config.json` that goes with a file in PEFT's spelling. */
  config?: string;
}

/** An open adapter. */
export interface Adapter {
  /** What it is called. */
  readonly label: string;
  /** What its header says. */
  readonly info: Facts;
  /** What the file says of itself: title, licence, training, words that call it up. */
  about(options?: { signal?: AbortSignal }): Promise<About>;
  /** One factor per block of its family, from a preset, a list or names as people type them. */
  blocks(typed: string, options?: { signal?: AbortSignal }): Promise<number[]>;
  /** Reads the file whole: every hash that model sites list, and whether those that it states are right. What it finds
   * counts in `compare` from then on. */
  check(options?: Options): Promise<Checked>;
  /** Forgets it. */
  close(): void;
}

/** An open base model. */
export interface Base {
  /** What it is called. */
  readonly label: string;
}

/** Settings that make a recipe; what is not said is as on the command line. */
export interface RecipeSettings {
  /** One per adapter; 1. */
  weights?: number[];
  /** The same for text encoders; as `weights`. */
  te?: number[];
  /** Id of a method; `sum`. */
  method?: string;
  /** Its parameters; their defaults. */
  params?: Record<string, number | boolean | string>;
  /** `exact`. A number is the highest rank. */
  rank?: "exact" | "dense" | number | RankSetting;
  /** Type of the numbers: `f32`, `f16`, `bf16`, `f8_e4m3`, `f8_e5m2`; the first adapter's. */
  dtype?: string;
  /** Spelling: `same:<id>`, `kohya`, `diffusers`, `comfy`, `peft`; the first adapter's. */
  keys?: string;
  /** For methods that use chance; 0 to 4294967295. */
  seed?: number;
  /** What is taken over from the inputs' metadata. */
  metadata?: "minimal" | "merge-tags" | "keep-first" | "keep-all" | "none";
  /** Of the file. */
  title?: string;
  /** Of the recipe. */
  name?: string;
}

/** A recipe over these adapters, called a, b, … in it. */
export function recipe(adapters: Adapter[], settings?: RecipeSettings): Recipe;

/** Why something did not happen. A fault of the calling program is a `TypeError` instead; giving up rejects with the
 * signal's reason. */
export class RankweaveError extends Error {
  /** Who must act; `crashed`: the engine stopped, `closed`: used after `close` or `dispose`. */
  readonly code: Kind | "crashed" | "closed";
  /** One sentence. */
  readonly what: string;
  /** Where. */
  readonly where: Place;
  /** What should have been there. */
  readonly expected?: string;
  /** What was there. */
  readonly found?: string;
  /** What to do. */
  readonly hint: string;
  /** All reasons, where there are several; this error shows the first. */
  readonly reasons: Reason[];
}
