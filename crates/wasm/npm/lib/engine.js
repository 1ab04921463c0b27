// The engine: one desk that opens adapters and puts files together, and hands that merge. All are workers with the
// same program; they start when they are needed, and are replaced when they stop.

import { until } from "./abort.js";
import { Adapter, Base } from "./adapter.js";
import { closed, other } from "./error.js";
import { Link } from "./link.js";
import { run } from "./merge.js";
import { recipe as blank } from "./recipe.js";
import { nameOf } from "./source.js";

/** Compiles the engine's program for a platform: `web.js` or `node.js`. */
export async function start(platform, options = {}) {
  const module = options.module ?? (await (options.bytes ? WebAssembly.compile(options.bytes) : platform.compile(options.wasmUrl)));
  return new Engine(platform, module, options);
}

const text = (value) => (value === undefined || typeof value === "string" ? value : JSON.stringify(value));

class Engine {
  #platform;
  #open;
  #threads;
  #desk;
  #hands = [];
  /** Workers that do one long thing. */
  #apart = new Set();
  /** Number → what is to be asked of a new desk, and with which file. */
  #opened = new Map();
  /** The base model that the desk has. */
  #base;
  #next = 1;
  /** The merge before. */
  #before = Promise.resolve();
  #methods;
  #disposed = false;

  constructor(platform, module, { threads = platform.cores(), worker }) {
    if (!Number.isInteger(threads) || threads < 1) throw new TypeError(`threads: expected 1 or more, found ${threads}`);
    this.#platform = platform;
    this.#threads = threads;
    this.#open = (on) => platform.open(module, on, worker);
  }

  /** The methods that a recipe can name. */
  methods() {
    this.#methods ??= this.#ask("Methods").catch((error) => {
      this.#methods = undefined;
      throw error;
    });
    return this.#methods;
  }

  async open(source, { label, config, signal, onProgress } = {}) {
    this.#live();
    const file = await this.#platform.hold(source, { signal, onProgress });
    const number = this.#next++;
    const input = { label: label ?? nameOf(source) ?? `adapter ${number}`, config: text(config) };
    const question = { request: { Open: { adapter: number, ...input } }, files: [file] };
    const info = await until(signal, this.#ask(question.request, question.files));
    this.#opened.set(number, question);
    return new Adapter({ number, input, file, info, engine: this.#inside });
  }

  async base(files, { label = "base", index, signal, onProgress } = {}) {
    this.#live();
    const list = Array.isArray(files) ? files : [files];
    const held = [];
    for (const source of list) held.push(await this.#platform.hold(source, { signal, onProgress }));
    const model = { label, files: list.map((source, i) => nameOf(source) ?? `model-${i + 1}.safetensors`) };
    const base = new Base({ Base: { base: model, index: text(index) } }, held, model);
    await until(signal, this.#ask(base.request, held));
    this.#base = base;
    return base;
  }

  async compare(adapters, { signal } = {}) {
    const readings = adapters.map((adapter) => adapter.reading);
    return until(signal, this.#ask({ Compare: { adapters: numbers(adapters), readings } }));
  }

  async plan(recipe, adapters, { base, signal } = {}) {
    // A hash that is not known yet takes as much room in the file as any other.
    const wish = named(await until(signal, this.#read(recipe)), adapters.map(({ data }) => data ?? "0".repeat(64)));
    return until(signal, this.#ask({ Plan: { adapters: numbers(adapters), settings: settings(wish, base) } }, [], base));
  }

  async share(recipe, adapters, { names = true, page = "", expected, signal } = {}) {
    const mix = adapters.map(({ data }) => ({ data }));
    const wish = { ...settings(recipe), mix };
    return until(signal, this.#ask({ Share: { adapters: numbers(adapters), settings: wish, names, page, expected } }));
  }

  async analyze(adapters, { recipe, weights, seed, exact = false, base, signal, onProgress } = {}) {
    const wish = settings(recipe ?? blank(adapters, { weights, seed }), base);
    const request = { Conflicts: { inputs: inputs(adapters), settings: wish, exact } };
    return this.#alone(request, files(adapters, base), { signal, onProgress });
  }

  async merge(recipe, adapters, options = {}) {
    const { sink, signal } = options;
    // One draft at a time lies on the desk.
    const merged = this.#before.then(() => {
      signal?.throwIfAborted();
      return this.#merge(recipe, adapters, options);
    });
    this.#before = merged.catch(() => {});
    try {
      return await merged;
    } catch (error) {
      await sink?.abort(error).catch(() => {});
      throw error;
    }
  }

  dispose() {
    this.#disposed = true;
    for (const link of [this.#desk, ...this.#hands, ...this.#apart]) link?.stop(closed("The engine"));
    this.#hands = [];
    this.#opened.clear();
  }

  async #merge(recipe, adapters, { base, sink, anyFiles = false, signal, onProgress }) {
    let hands = [];
    let over = false;
    const told = (progress) => over || onProgress?.(progress);
    const wanted = await until(signal, this.#read(recipe));
    await until(signal, this.#hash(adapters, told), () => this.#clear());
    const wish = settings(fitting(wanted, adapters, anyFiles), base);
    const order = {
      desk: this.#settled(base),
      crew: (tasks) => (hands = this.#crew(Math.min(tasks, this.#threads))),
      begin: { Begin: { adapters: numbers(adapters), settings: wish } },
      prepare: { Prepare: { inputs: inputs(adapters), settings: wish } },
      files: files(adapters, base),
    };
    try {
      const { body: summary, attached } = await until(signal, run(order, told));
      const [file, report, config] = attached.map((one) => this.#platform.given(one));
      const merged = { summary, report: JSON.parse(await report.text()), config: await config?.text() };
      if (!sink) return { blob: file.blob(), ...merged };
      await file.stream().pipeTo(sink, { signal, preventAbort: true });
      return merged;
    } catch (error) {
      // They still work on tasks that nobody wants.
      for (const hand of hands) hand.stop(closed("This merge"));
      throw error;
    } finally {
      over = true;
    }
  }

  /** A recipe as an object; a text that is none is left to the engine to refuse. */
  async #read(recipe) {
    if (typeof recipe !== "string") return recipe;
    try {
      if (recipe.trimStart().startsWith("{")) return JSON.parse(recipe);
    } catch {
      return recipe;
    }
    const { forms } = await this.#ask({ Share: { adapters: [], settings: { recipe }, names: true, page: "" } });
    return JSON.parse(forms.find(({ id }) => id === "json").text);
  }

  /** Finds out what the adapters hold, once for each: a recipe names them by it. */
  async #hash(adapters, told) {
    const unknown = [...new Set(adapters)].filter(({ data }) => !data);
    const total = unknown.reduce((sum, { info }) => sum + info.size, 0);
    let done = 0;
    const next = async (hand) => {
      for (let adapter = unknown.shift(); adapter; adapter = unknown.shift()) {
        const { body } = await hand.ask("Hash", [this.#platform.after(adapter.file, adapter.info.data_start)]);
        adapter.data = body;
        told({ phase: "read", done: (done += adapter.info.size), total });
      }
    };
    await Promise.all(this.#crew(Math.min(unknown.length, this.#threads)).map(next));
  }

  /** Ends all hands. */
  #clear() {
    for (const hand of this.#hands) hand.stop(closed("This merge"));
    this.#hands = [];
  }

  /** What adapters ask of the engine. */
  #inside = {
    ask: (request, options) => until(options?.signal, this.#ask(request)),
    alone: (request, attached, options) => this.#alone(request, attached, options),
    close: (number) => {
      // A desk that has stopped has forgotten it already.
      if (this.#opened.delete(number)) this.#desk?.ask({ Close: { adapter: number } }).catch(() => {});
    },
  };

  async #ask(request, attached = [], base) {
    return (await this.#settled(base).ask(request, attached)).body;
  }

  /** The answer of a worker that is there for this question alone. */
  async #alone(request, attached, { signal, onProgress } = {}) {
    this.#live();
    const link = new Link(this.#open);
    this.#apart.add(link);
    const step = (share) => onProgress?.({ phase: "read", done: share, total: 1 });
    try {
      return (await until(signal, link.ask(request, attached, { step }))).body;
    } finally {
      this.#apart.delete(link);
      link.stop(closed("This question"));
    }
  }

  /** The desk, with this base model. It answers in order, so what is asked next finds it. */
  #settled(base) {
    this.#live();
    if (!this.#desk || this.#desk.stopped) {
      this.#desk = new Link(this.#open);
      this.#base = undefined;
      // What is wrong with them was told when they were opened.
      for (const { request, files } of this.#opened.values()) this.#desk.ask(request, files).catch(() => {});
    }
    if (base && base !== this.#base) {
      this.#desk.ask(base.request, base.files).catch(() => {});
      this.#base = base;
    }
    return this.#desk;
  }

  /** So many hands, with those replaced that have stopped. */
  #crew(count) {
    this.#live();
    this.#hands = this.#hands.filter((hand) => !hand.stopped);
    while (this.#hands.length < count) this.#hands.push(new Link(this.#open));
    return this.#hands.slice(0, count);
  }

  #live() {
    if (this.#disposed) throw closed("The engine");
  }
}

const numbers = (adapters) => adapters.map((adapter) => adapter.number);
const inputs = (adapters) => adapters.map((adapter) => adapter.input);
const files = (adapters, base) => [...adapters.map((adapter) => adapter.file), ...(base?.files ?? [])];
const isRecipe = (recipe, { length }) => Array.isArray(recipe?.sources) && recipe.sources.length === length;

/** The recipe with the hashes of its sources' tensor data. */
function named(recipe, hashes) {
  if (!isRecipe(recipe, hashes)) return recipe;
  return { ...recipe, sources: recipe.sources.map((source, i) => ({ ...source, data: `sha256:${hashes[i]}` })) };
}

/** The same with those of the adapters; refused where it was made with others, unless any will do. */
function fitting(recipe, adapters, any) {
  const hashes = adapters.map(({ data }) => data);
  const wrong = isRecipe(recipe, adapters) && !any ? recipe.sources.findIndex(({ data }, i) => data && data !== `sha256:${hashes[i]}`) : -1;
  if (wrong >= 0) throw other(adapters[wrong].label, `/sources/${wrong}`, recipe.sources[wrong].data, `sha256:${hashes[wrong]}`);
  return named(recipe, hashes);
}

const settings = (recipe, base) => ({ recipe: text(recipe), base: base?.model });
