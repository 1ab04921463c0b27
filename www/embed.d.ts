// Types of embed.js: the element <rank-weave>, and what it and its frame say to each other (version 1).

/** Where something is wrong, and what to do. `kind` says who must act. */
export interface Reason {
  kind: "malformed" | "mismatch" | "parameter" | "unsupported" | "limit" | "device" | "io" | "cancelled" | "closed";
  what: string;
  place?: { file?: string | null; module?: string | null; key?: string | null; offset?: number | null };
  expected?: string | null;
  found?: string | null;
  hint?: string;
}

/** Why a call failed. The other fields are the first reason's. */
export interface RankweaveError extends Error {
  name: "RankweaveError";
  code: Reason["kind"];
  where?: Reason["place"];
  hint?: string;
  reasons?: Reason[];
}

/** An open adapter: the name on its card, and the SHA-256 of its tensor data once it is known. */
export interface OpenAdapter {
  label: string;
  sha256: string | null;
}

/** What came out of a merge: hashes and figures, not the file. */
export interface Merged {
  /** Suggested name of the file. */
  name: string;
  /** Its bytes. */
  size: number;
  /** SHA-256 of its data section, 64 hexadecimal digits; the first 12 are AutoV3. */
  data_sha256: string;
  /** Modules written. */
  modules: number;
  /** Least and greatest rank written. */
  ranks: [number, number];
  /** Share of the energy kept, 0 to 1. */
  energy: number;
  /** Relative error against the exact result. */
  residual: number;
  /** The part of it that comes from rounding. */
  rounding: number;
  /** Weights asked for, and found in the result. */
  sources: {
    label: string;
    weight: number;
    text_encoder_weight: number;
    recovered: number | null;
    recovered_text_encoder: number | null;
  }[];
  remarks: object[];
  warnings: object[];
  warning_count: number;
}

/** Shares of positions, 0 to 1, each with its standard error. */
export interface Shares {
  conflict: [number, number];
  expected: number | null;
  mass: [number, number];
  selfish: [number, number];
  shared: [number, number];
  catastrophic: [number, number];
}

/** Where the adapters pull against each other. */
export interface Conflicts {
  rows: number | null;
  seed: number;
  total: Shares;
  modules: [string, Shares][];
  module_count: number;
  alone: number;
}

/** A file: as the browser has it, or its name and bytes. */
export type Given = File | { name: string; bytes: ArrayBuffer | Uint8Array | Blob };

export interface Options {
  /** Stops the call, and what it does. */
  signal?: AbortSignal;
}

/** What may be called: parameters and result. */
export interface Methods {
  /** A link (`1z…`) or the text of a recipe. */
  setRecipe: [params: { recipe: string }, result: { missing: number }];
  /** By the name on its card, or by place from 0; -10 to 10. */
  setWeight: [params: { adapter: string | number; weight: number }, result: null];
  setTheme: [params: { theme: "light" | "dark" | "auto" }, result: null];
  /** At most 200. */
  addFiles: [params: { files: Given[] }, result: { adapters: OpenAdapter[]; missing: number; errors: Reason[] }];
  analyze: [params: {}, result: Conflicts];
  merge: [params: {}, result: Merged];
  cancel: [params: {}, result: null];
  getRecipe: [params: {}, result: { id: string; link: string; json: string }];
  /** The merged file, if the reader agrees: they are asked in the frame. */
  download: [params: {}, result: { name: string; file: Blob }];
}

/** What is told without asking. */
export interface Events {
  /** The engine is there. */
  ready: { version: string };
  /** Adapters were opened or removed. */
  loaded: { adapters: OpenAdapter[]; missing: number };
  /** The recipe changed. */
  change: { recipe: string; link: string };
  /** A merge goes on: modules done, of all, and bytes written. */
  progress: { done: number; total: number; bytes: number };
  done: Merged;
  error: { errors: Reason[] };
  /** How tall the frame would like to be, in CSS pixels. */
  resize: { height: number };
}

/** What goes through the port to the frame. */
export type ToFrame =
  | { [M in keyof Methods]: { id: number; method: M; params: Methods[M][0] } }[keyof Methods]
  | { method: "$cancel"; params: { id: number } };

/** What comes through the port from the frame. */
export type FromFrame =
  | { id: number; ok: true; result: Methods[keyof Methods][1] }
  | { id: number; ok: false; error: { code: Reason["kind"]; message: string; where?: Reason["place"]; hint?: string; reasons: Reason[] } }
  | { [E in Exclude<keyof Events, "resize">]: { event: E; data: Events[E] } }[Exclude<keyof Events, "resize">];

/** What passes between the windows themselves, before there is a port and beside it. */
export type BetweenWindows =
  | { ns: "rankweave"; v: 1; type: "loading" }
  | { ns: "rankweave"; v: 1; type: "hello"; frame: number }
  | { ns: "rankweave"; v: 1; type: "connect" }
  | { ns: "rankweave"; event: "resize"; data: Events["resize"] };

/**
 * | attribute | value | where absent |
 * |---|---|---|
 * | `recipe` | a link's text, `1z…` | the reader begins with nothing |
 * | `recipe-url` | where a recipe's file is; this page fetches it | |
 * | `src` | where adapters are, with spaces; this page fetches them | the reader adds files |
 * | `view` | `merge`, `explain`, `all` | `merge` |
 * | `controls` | `0`: readers change nothing but the files | `1` |
 * | `theme` | `light`, `dark`, `auto` | `auto`: as the page around |
 * | `load` | `click`, `visible`, `eager` | `click` |
 * | `poster` | a picture for the time before | |
 * | `height` | CSS pixels, or `auto` | `auto` |
 * | `label` | the frame's name for assistive technology | a general one |
 * | `origin` | where the site is | where embed.js is |
 */
export interface RankWeaveElement extends HTMLElement {
  load(): Promise<void>;
  setRecipe(recipe: string, options?: Options): Promise<Methods["setRecipe"][1]>;
  setWeight(adapter: string | number, weight: number, options?: Options): Promise<null>;
  addFiles(files: Iterable<Given>, options?: Options): Promise<Methods["addFiles"][1]>;
  analyze(options?: Options): Promise<Conflicts>;
  merge(options?: Options): Promise<Merged>;
  cancel(options?: Options): Promise<null>;
  getRecipe(options?: Options): Promise<Methods["getRecipe"][1]>;
  download(options?: Options): Promise<Methods["download"][1]>;
  addEventListener<E extends keyof Events>(type: E, listener: (event: CustomEvent<Events[E]>) => void, options?: boolean | AddEventListenerOptions): void;
  addEventListener(type: string, listener: EventListenerOrEventListenerObject, options?: boolean | AddEventListenerOptions): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "rank-weave": RankWeaveElement;
  }
}
