// What the engine answers, by the names of protocol.rs, said.rs and recipes.rs in crates/wasm/src, and of report.rs in
// crates/recipe/src, and the recipe of recipe.rs there. A test compares them.

/** Who must act on an error. */
export type Kind = "malformed" | "mismatch" | "parameter" | "unsupported" | "limit" | "device" | "io" | "cancelled";

/** Where something is wrong; what is not known is absent, in a report `null`. */
export interface Place {
  file?: string | null;
  module?: string | null;
  key?: string | null;
  /** Byte in the file. */
  offset?: number | null;
}

/** What went wrong. */
export interface Reason {
  kind: Kind | "crashed" | "closed";
  what: string;
  place: Place;
  expected?: string;
  found?: string;
  hint: string;
}

/** Something worth knowing that does not stop the work. */
export interface Warning {
  /** Stable name. */
  code: string;
  /** One sentence. */
  message: string;
  place: Place;
}

/** What the header of a file says. */
export interface Facts {
  /** Bytes. */
  size: number;
  /** Stable id of the base family; `unknown`. */
  family: string;
  family_title: string;
  /** How sure that is, 0 to 1. */
  confidence: number;
  /** Name of the spelling of its keys. */
  dialect: string;
  /** Name of the way its changes are stored. */
  kind: string;
  modules: number;
  text_encoder_modules: number;
  ranks: [rank: number, modules: number][];
  /** Distinct alphas; empty: none stored, scale 1. */
  alphas: number[];
  /** `tensors`, `config`, `metadata` or `none`. */
  alpha_from: string;
  /** Number types. */
  dtypes: string[];
  /** The type that an output gets which is to have the same. */
  dtype: string;
  /** Modules that depend on the base model's weights. */
  needs_base: number;
  /** Whether some of them are DoRA's, whose direction can be taken alone. */
  dora: boolean;
  /** Whether an `adapter_config.json` was read. */
  config: boolean;
  /** Where its tensor data begins, in bytes. */
  data_start: number;
  /** Whether it tells the recipe it was merged by. */
  recipe: boolean;
  /** Of its family, in the model's order. */
  blocks: Block[];
  presets: Preset[];
  /** How many numbers a list for these blocks may have. */
  block_lists: number[];
  /** The first few. */
  warnings: Warning[];
  /** How many there are in all. */
  warning_count: number;
}

/** A named group of a family's modules. */
export interface Block {
  /** Such as `IN04`. */
  id: string;
  role: string;
  group: string;
  /** Modules that the file has there. */
  modules: number;
  text_encoders: boolean;
}

/** A setting of all blocks that has a name. */
export interface Preset {
  name: string;
  values: number[];
}

/** What a merge would give. */
export interface Estimate {
  /** Size of the file, at most. */
  bytes: number;
  modules: number;
  /** The greatest possible. */
  rank: number;
  /** Programs that may read the file. */
  loads: [program: string, reads: "yes" | "partly" | "no" | "unknown", says: string][];
  /** The first few that are not an adapter's own. */
  warnings: Warning[];
  /** How many there are in all. */
  warning_count: number;
}

/** Totals of a merge. */
export interface Summary {
  /** Suggested name of the file. */
  name: string;
  /** Bytes. */
  size: number;
  /** SHA-256 of its data section; the first 12 digits are AutoV3. */
  data_sha256: string;
  modules: number;
  ranks: [least: number, greatest: number];
  /** Share kept, 0 to 1. */
  energy: number;
  /** Relative error against the exact result. */
  residual: number;
  /** The part of it that comes from rounding to the number type. */
  rounding: number;
  sources: Recovered[];
  /** What the method says of the whole. */
  remarks: Warning[];
  /** The first few that the estimate has not shown. */
  warnings: Warning[];
  warning_count: number;
}

/** Requested and found weights of one adapter. */
export interface Recovered {
  label: string;
  weight: number;
  text_encoder_weight: number;
  /** Least-squares weight in the result outside text encoders; absent if it has no modules there. */
  recovered?: number;
  recovered_text_encoder?: number;
}

/** How good or bad something is. */
export type Level = "Good" | "Info" | "Warn" | "Bad";

/** How adapters go together. */
export interface Fit {
  /** The level of the worst finding. */
  verdict: Level;
  /** The first few, worst first. */
  findings: Finding[];
  finding_count: number;
  /** The first pairs of adapters. */
  overlaps: Overlap[];
  overlap_count: number;
  /** The first modules whose size differs. */
  sizes: [module: string, sizes: string][];
  size_count: number;
}

/** Something found, and what to do about it. */
export interface Finding {
  level: Level;
  text: string;
  /** May be empty. */
  fix: string;
}

/** What two adapters have in common, by their places in the order asked for. */
export interface Overlap {
  a: number;
  b: number;
  /** Modules. */
  shared: number;
  only_a: number;
  only_b: number;
}

/** What a file says of itself. */
export interface About {
  /** In reading order. */
  lines: [name: string, text: string][];
  /** Words that call its effect up. */
  triggers: string[];
  triggers_from: string;
  /** The commonest of its training images. */
  tags: [tag: string, images: number][];
  more_tags: number;
  /** A data URL of pixels and nothing else. */
  picture?: string;
  /** The hashes it states, not checked. */
  claims: Stated[];
  /** How many its metadata has. */
  entries: number;
}

/** A hash that a header states. */
export interface Stated {
  /** Name of the entry. */
  key: string;
  stated: string;
  /** What is to be thought of it. */
  words: string;
  wrong: boolean;
}

/** What reading a whole file has shown. */
export interface Checked {
  hashes: Hash[];
  /** The hashes it states, checked. */
  claims: Stated[];
}

/** A hash, or why there is none. */
export interface Hash {
  name: string;
  text: string;
  /** Whether `text` is the digits. */
  there: boolean;
}

/** Where adapters pull against each other. */
export interface Conflicts {
  /** Looked at in each module; absent: all. */
  rows?: number;
  /** What they were drawn from. */
  seed: number;
  /** All modules that several adapters change. */
  total: Shares;
  /** Those with the most conflict. */
  modules: [module: string, shares: Shares][];
  module_count: number;
  /** Modules that one adapter alone changes. */
  alone: number;
}

/** Shares of positions, 0 to 1, each with its standard error. */
export interface Shares {
  /** Adapters pull both ways. */
  conflict: [share: number, error: number];
  /** The same of random entries with the adapters' cosines. */
  expected?: number;
  /** What cancels, of all that is added. */
  mass: [share: number, error: number];
  /** One adapter's mask has them. */
  selfish: [share: number, error: number];
  /** Several masks have them. */
  shared: [share: number, error: number];
  /** No mask has them. */
  catastrophic: [share: number, error: number];
}

/** A method. */
export interface Method {
  id: string;
  title: string;
  summary: string;
  formula: string;
  /** When to use it. */
  when: string;
  reference: Reference;
  section: string;
  /** How many it takes. */
  adapters: [least: number, most: number];
  experimental: boolean;
  /** Whether it looks at every entry, which takes longer. */
  by_entry: boolean;
  params: Param[];
  /** Parameters of the output, which every method has. */
  output: Param[];
}

/** Where a method comes from. */
export interface Reference {
  title: string;
  url: string;
}

/** A parameter of a method. */
export interface Param {
  name: string;
  title: string;
  help: string;
  kind: ParamKind;
}

/** What values a parameter takes. */
export type ParamKind =
  | { Number: { default: number; min: number; max: number; step: number } }
  | { Choice: { default: string; options: Choice[] } }
  | { Flag: { default: boolean } }
  | "Text";

/** An option of a choice. */
export interface Choice {
  id: string;
  title: string;
}

/** A merge, completely described: what `rankweave merge --recipe` reads. Other keys are kept. */
export interface Recipe {
  recipe: 1;
  name?: string;
  note?: string;
  engine?: { name: string; version?: string; math?: number };
  sources: SourceRef[];
  /** In the order that counts. */
  mix: MixEntry[];
  method: MethodRef;
  base?: { label: string; size?: number; [other: string]: unknown };
  seed?: number;
  output: Output;
  expect?: Expect;
  [other: string]: unknown;
}

/** What should come out. */
export interface Expect {
  /** `sha256:` and the hash of the output's tensor data. */
  data?: string;
  /** `cpu`, or `gpu`, whose rounding differs from machine to machine. */
  backend?: string;
  [other: string]: unknown;
}

/** A recipe to be passed on. */
export interface Shared {
  /** Twelve characters; the same for all recipes that mean the same. */
  id: string;
  /** What stands after `#r=` in an address of the page. */
  link: string;
  /** As other texts; the first is its JSON. */
  forms: Form[];
  /** A QR code of the address: its side in modules, and the path of the dark ones. None if it is too long. */
  qr?: [number, string];
}

/** A recipe as a text. */
export interface Form {
  /** Stable: `json`, … */
  id: string;
  title: string;
  /** What it is for. */
  help: string;
  text: string;
}

/** An adapter of a recipe. */
export interface SourceRef {
  /** Name inside the recipe: `a`, `b`, … */
  id: string;
  label?: string;
  /** `sha256:` and the hash of the bytes after the header. */
  data?: string;
  /** `sha256:` and the hash of the whole file. */
  file?: string;
  size?: number;
  /** Where it can be had. */
  at?: string[];
  /** Of DoRA modules the direction alone is taken. */
  dora?: "direction";
  [other: string]: unknown;
}

/** An adapter's part in the mix. */
export interface MixEntry {
  src: string;
  /** -10 to 10; 1. */
  weight?: number;
  /** The same for text encoders. */
  te?: number;
  blocks?: { scheme: string; preset?: string; values?: number[] };
  /** By module name; the last one that fits decides. */
  rules?: { match: string; weight?: number; drop?: boolean }[];
  [other: string]: unknown;
}

/** A method with its parameters. */
export interface MethodRef {
  id: string;
  params?: Record<string, number | boolean | string>;
}

/** The file to make. */
export interface Output {
  rank: RankSetting;
  /** `f32`, `f16`, `bf16`, `f8_e4m3`, `f8_e5m2`. */
  dtype: string;
  keys?: string;
  alpha?: string;
  metadata?: string;
  title?: string;
  [other: string]: unknown;
}

/** Rank of the output. */
export type RankSetting =
  | { mode: "exact" }
  | { mode: "dense" }
  | { mode: "fixed"; value: number }
  | { mode: "energy"; value: number; max?: number };

/** What a merge did. `null`: not known. */
export interface Report {
  report: 1;
  method: string;
  dialect: string;
  dtype: string;
  bytes: number;
  sha256_data: string;
  /** Relative error against what the method's formula asks for. */
  residual: number;
  rounding: number;
  energy: number;
  sources: SourceLine[];
  /** In the file's order. */
  modules: ModuleLine[];
  blocks: BlockLine[];
  dropped: DroppedLine[];
  loads: Loads[];
  devices?: DeviceUse[];
  remarks: Warning[];
  warnings: Warning[];
  /** The same for all recipes that mean the same. */
  recipe_id: string;
  /** The one that was run, with what came out. */
  recipe: Recipe;
}

/** One adapter in the report. */
export interface SourceLine {
  id: string;
  label: string;
  weight: number;
  recovered_weight: number | null;
  te_weight: number;
  recovered_te_weight: number | null;
  modules: number;
  te_modules: number;
  /** ‖ΔW‖ over all its modules. */
  norm: number | null;
}

/** One module in the report. */
export interface ModuleLine {
  module: string;
  block: string | null;
  /** Rows of ΔW. */
  out: number;
  /** Columns of ΔW. */
  columns: number;
  rank: number;
  /** Adapters that have it: positions in `sources`. */
  sources: number[];
  ranks: number[];
  weights: number[];
  energy: number;
  residual: number;
  norm: number | null;
  recovered_weights: number[];
  details?: Detail[];
  picture?: Picture;
}

/** What a method tells of a module. */
export interface Detail {
  name: string;
  value: number;
}

/** Units of a module as points in a plane. */
export interface Picture {
  x: number[];
  y: number[];
  cluster: number[];
  source: number[];
}

/** The weights of one adapter in one block. */
export interface BlockLine {
  block: string | null;
  role: string;
  source: number;
  modules: number;
  dropped: number;
  least: number | null;
  largest: number | null;
}

/** A module that a rule dropped. */
export interface DroppedLine {
  module: string;
  source: number;
  rule: string;
}

/** Whether a program reads the file. */
export interface Loads {
  program: string;
  reads: "yes" | "partly" | "no" | "unknown";
  says: string;
}

/** A device other than the CPU that worked on modules. */
export interface DeviceUse {
  name: string;
  modules: number;
  failed: number;
  said?: string;
}
