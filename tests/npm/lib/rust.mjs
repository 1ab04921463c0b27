// The fields of the engine's own types, read from its sources.

import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../../browser/lib/site.mjs";

// Of types of one name the last counts.
const paths = ["merge/src/method.rs", "recipe/src/loads/mod.rs", "wasm/src/protocol/", "wasm/src/said.rs", "wasm/src/recipes.rs", "recipe/src/report.rs", "recipe/src/devices.rs", "recipe/src/recipe.rs", "adapter/src/error.rs"];
const files = paths.flatMap((path) => (path.endsWith("/") ? readdirSync(join(root, "crates", path)).sort().map((name) => path + name) : path));
const source = files.map((path) => readFileSync(join(root, "crates", path), "utf8")).join("\n");
const structs = new Map([...source.matchAll(/pub struct (\w+) \{\n([\s\S]*?)\n\}/g)].map(([, name, body]) => [name, [...body.matchAll(/^ {4}pub (\w+):/gm)].map(([, field]) => field)]));

/** Names of a type's fields; nothing where there is no such type. */
export const fields = (name) => structs.get(name);
