// The declarations: a program of every call passes the compiler, wrong ones do not, and what the engine answers is what is
// declared, field by field.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unets } from "../browser/lib/blocks.mjs";
import { made, sample } from "../browser/lib/files.mjs";
import { root } from "../browser/lib/site.mjs";
import { compile } from "./lib/compile.mjs";
import { installed, load } from "./lib/consumer.mjs";
import { fields } from "./lib/rust.mjs";

test("a program of every call passes the compiler, for a page and for Node", () => {
  const text = readFileSync(join(import.meta.dirname, "consumer.ts"), "utf8");
  assert.equal(compile("page", text, { dom: true }), "");
  assert.equal(compile("server", text.replace("/* Node */", 'void engine.open(await import("node:fs/promises").then((fs) => fs.open("x")));'), { dom: false }), "");
});

test("what is wrong does not pass", () => {
  const wrong = [
    'init({ threads: "2" });',
    "engine.open(5);",
    'recipe([], { rank: "best" });',
    "engine.merge({}, []);",
    "const { blob } = await engine.merge(r, [], { sink: new WritableStream<Uint8Array>() }); blob.size;",
    "const f: Facts = await engine.methods();",
  ];
  const head = 'import { init, recipe, type Facts } from "rankweave";\nconst engine = await init(); const r = recipe([]);\n';
  const said = compile("wrong", head + wrong.join("\n"), { dom: true });
  wrong.forEach((_, i) => assert.match(said, new RegExp(`wrong\\.ts\\(${i + 3},`), wrong[i]));
});

test("what the engine answers is what is declared", async () => {
  const { init, recipe } = await load();
  const engine = await init({ threads: 1 });
  const metadata = { "modelspec.title": "A", ss_tag_frequency: '{"10_a":{"b":3}}', sshs_model_hash: "12".repeat(32) };
  const paths = [made("told.safetensors", { metadata }), sample("noisy-digits"), sample("turned-digits"), ...unets()];
  const [told, noisy, turned, one, two] = await Promise.all(paths.map((path) => engine.open(path)));
  const ties = { ...recipe([one, two], { method: "ties", seed: 1, name: "n" }), note: "kept" };
  ties.mix[1].rules = [{ match: "*ff*", drop: true }];
  const merges = [
    [recipe([noisy, turned], { method: "lego", rank: 4 }), [noisy, turned]],
    [ties, [one, two]],
  ];
  const answers = { Facts: [], Estimate: [], Summary: [], Report: [], Fit: [], Conflicts: [], About: [], Checked: [], Shared: [], Method: await engine.methods() };
  for (const adapter of [told, noisy, turned, one, two]) {
    answers.Facts.push(adapter.info);
    answers.About.push(await adapter.about());
    answers.Checked.push(await adapter.check());
  }
  for (const [wish, adapters] of merges) {
    answers.Fit.push(await engine.compare([...adapters, told]));
    answers.Conflicts.push(await engine.analyze(adapters), await engine.analyze(adapters, { exact: true }));
    answers.Estimate.push(await engine.plan(wish, adapters));
    const { summary, report } = await engine.merge(wish, adapters);
    answers.Summary.push(summary);
    answers.Report.push(report);
    answers.Shared.push(await engine.share(wish, adapters, { expected: summary.data_sha256 }));
  }
  engine.dispose();
  assert.ok(answers.Report[0].modules.some(({ picture }) => picture), "no picture to look at");
  assert.ok(answers.Report[1].dropped.length > 0, "no dropped module to look at");
  // A literal may have no field that its type has not, and must have all that it needs.
  const lines = Object.entries(answers).flatMap(([type, all]) => all.map((one) => `t<${type}>(${JSON.stringify(one)});`));
  const head = `import type { ${Object.keys(answers).join(", ")} } from "rankweave";\ndeclare function t<T>(one: T): void;\n`;
  assert.equal(compile("answers", head + lines.join("\n"), { dom: true }), "");
});

test("the declarations have the fields of the engine's own types", () => {
  const declared = readFileSync(join(installed, "answers.d.ts"), "utf8");
  let compared = 0;
  for (const [, name, body] of declared.matchAll(/export interface (\w+) \{\n([\s\S]*?)\n\}/g)) {
    const engines = fields(name === "Reason" ? "Error" : name);
    assert.ok(engines, `answers.d.ts, ${name}: the engine has no such type`);
    const known = [...body.matchAll(/^ {2}(\w+)\??:/gm)].map(([, field]) => field);
    // What the package keeps to itself, and what stands for all other keys.
    const told = engines.filter((field) => !(field === "other" || (name === "Checked" && field === "reading")));
    assert.deepEqual(known.sort(), told.sort(), `answers.d.ts, ${name}`);
    compared += 1;
  }
  assert.ok(compared >= 39, `only ${compared} types are declared`);
});
