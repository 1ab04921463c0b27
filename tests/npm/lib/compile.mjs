// The TypeScript compiler, in the project that uses the package.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { consumer } from "./consumer.mjs";

const own = join(import.meta.dirname, "../node_modules");
const strict = { strict: true, noEmit: true, target: "es2022", module: "nodenext", exactOptionalPropertyTypes: false, skipLibCheck: false };

/** What the compiler says of a program, for a page (`dom`) or for Node. */
export function compile(name, text, { dom }) {
  const page = { lib: ["es2022", "dom", "dom.iterable", "dom.asynciterable"], types: [] };
  const types = dom ? page : { lib: ["es2022"], types: ["node"], typeRoots: [join(own, "@types")] };
  writeFileSync(join(consumer, `${name}.ts`), text);
  writeFileSync(join(consumer, `${name}.json`), JSON.stringify({ compilerOptions: { ...strict, ...types }, files: [`${name}.ts`] }));
  try {
    execFileSync(process.execPath, [join(own, "typescript/bin/tsc"), "-p", `${name}.json`], { cwd: consumer, encoding: "utf8" });
    return "";
  } catch (error) {
    return `${error.stdout}${error.stderr}`;
  }
}
