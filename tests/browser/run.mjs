// Runs all browser tests, one file after the other: each has a browser of its own, and two cores are few.

import { spec, tap } from "node:test/reporters";
import { run } from "node:test";
import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(here)
  .filter((name) => name.endsWith(".test.mjs") && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
  .map((name) => join(here, name));

const stream = run({ files, concurrency: 1 });
stream.on("test:fail", () => (process.exitCode = 1));
if (process.stdout.isTTY) stream.compose(new spec()).pipe(process.stdout);
else stream.compose(tap).pipe(process.stdout);
