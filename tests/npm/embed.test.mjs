// The declarations of the element <rank-weave>: a program of every call passes the compiler, wrong ones do not, and they name
// what the element and its frame know, no more and no less.

import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { root } from "../browser/lib/site.mjs";
import { compile } from "./lib/compile.mjs";
import { consumer } from "./lib/consumer.mjs";
import { fields } from "./lib/rust.mjs";

const www = join(root, "www");
const declared = readFileSync(join(www, "embed.d.ts"), "utf8");
const body = (name) => declared.match(new RegExp(`export interface ${name}[^{]*\\{\\n([\\s\\S]*?)\\n\\}`))[1];
const names = (text, pattern) => [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();

copyFileSync(join(www, "embed.d.ts"), join(consumer, "embed.d.ts"));

test("a program of every call of the element passes the compiler", () => {
  assert.equal(compile("embedded", readFileSync(join(import.meta.dirname, "embed.ts"), "utf8"), { dom: true }), "");
});

test("wrong calls of the element do not pass", () => {
  const wrong = [
    "one.setWeight(0, '1');",
    "one.addFiles([new Blob([])]);",
    "const n: number = await one.merge();",
    "one.addEventListener('done', ({ detail }) => detail.height);",
    "const call: ToFrame = { id: 1, method: 'setRecipe', params: {} };",
  ];
  const head = 'import type { ToFrame } from "./embed.js";\nconst one = document.createElement("rank-weave");\n';
  const said = compile("misused", head + wrong.join("\n"), { dom: true });
  wrong.forEach((_, i) => assert.match(said, new RegExp(`misused\\.ts\\(${i + 3},`), wrong[i]));
});

test("the declarations name what the element and the frame know", () => {
  const methods = names(body("Methods"), /^ {2}(\w+): \[/gm);
  const frame = readFileSync(join(root, "web/src/embed/calls.rs"), "utf8");
  assert.deepEqual(names(frame.match(/async fn answer[\s\S]*?\n\}/)[0], /^ {8}"(\w+)" =>/gm), methods);
  const element = readFileSync(join(www, "embed.js"), "utf8");
  assert.deepEqual(names(element, /this\.#(?:call|send)\("(\w+)"/g), methods);
  const calls = names(body("RankWeaveElement"), /^ {2}(\w+)\(/gm).filter((name) => !["load", "addEventListener"].includes(name));
  assert.deepEqual(calls, methods.filter((name) => name !== "setTheme"));
  const events = readFileSync(join(root, "web/src/embed/events.rs"), "utf8");
  assert.deepEqual([...names(events, /tell\(\s*"(\w+)"/g), "resize"].sort(), names(body("Events"), /^ {2}(\w+): /gm));
  for (const [own, engines] of [["Merged", "Summary"], ["Shares", "Shares"], ["Conflicts", "Conflicts"]]) {
    assert.deepEqual(names(body(own), /^ {2}(\w+)\??: /gm), fields(engines).toSorted(), own);
  }
});
