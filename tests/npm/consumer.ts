// Every call of the package, for the compiler alone.

import { init, recipe, RankweaveError } from "rankweave";
import type { Adapter, Base, Conflicts, Engine, Estimate, Facts, Fit, Merged, Method, Options, Progress, Recipe, Report, Shared, Source } from "rankweave";
import address from "rankweave/engine.wasm";
import "rankweave/worker";

const stop = new AbortController();
const options: Options = { signal: stop.signal, onProgress: ({ phase, done, total }: Progress) => console.log(phase, done / (total ?? 1)) };
const engine: Engine = await init({ threads: 2, wasmUrl: address });
await init({ bytes: new Uint8Array(8) });
await init({ worker: () => ({ postMessage() {}, terminate() {} }) });

const sources: Source[] = [
  new Blob([]),
  new ArrayBuffer(8),
  new Uint8Array(8),
  new URL("https://example.org/a.safetensors"),
  "a.safetensors",
  new Blob([]).stream(),
  { size: 8, read: async (_offset, length) => new Uint8Array(length) },
];
/* Node */
const adapters: Adapter[] = await Promise.all(sources.map((source) => engine.open(source, { ...options, label: "a", config: "{}" })));
const [first] = adapters as [Adapter];
const facts: Facts = first.info;
const base: Base = await engine.base(sources, { index: {}, label: "base" });
const methods: Method[] = await engine.methods();
const fit: Fit = await engine.compare(adapters);
const conflicts: Conflicts = await engine.analyze(adapters, { ...options, exact: true, weights: [1, 0.5] });
const values: number[] = await first.blocks("OUTALL");
const made: Recipe = recipe(adapters, { weights: [1], method: "ties", params: { density: 0.2, sign: "total" }, rank: { mode: "energy", value: 0.99 } });
made.mix[0]!.blocks = { scheme: facts.family, values };
const plan: Estimate = await engine.plan(made, adapters, { base });
const { blob, summary, config } = await engine.merge(made, adapters, options);
const merged: Merged = await engine.merge(JSON.stringify(made), adapters, { ...options, base, sink: new WritableStream<Uint8Array>() });
const report: Report = merged.report;
const { id, link, forms }: Shared = await engine.share(made, adapters, { names: false, expected: summary.data_sha256 });
console.log(id, link, forms[0]?.text);
const [share, error] = conflicts.total.conflict;
for (const { kind } of methods[0]!.params) {
  if (kind === "Text") continue;
  if ("Number" in kind) console.log(kind.Number.max);
}
try {
  const { hashes } = await first.check();
  console.log(hashes, blob.size, summary.name, config, report.modules.length, plan.bytes, fit.verdict, share, error);
} catch (problem) {
  if (problem instanceof RankweaveError && problem.code === "mismatch") console.log(problem.where.file, problem.hint, problem.reasons.length);
}
first.close();
engine.dispose();
