// Runs all tests of a folder, one file after the other: two cores are few.

import { readdirSync } from "node:fs";
import { join } from "node:path";
import { run } from "node:test";
import { spec, tap } from "node:test/reporters";

/** Runs the tests in `folder`, or those whose names contain one of the words given to the program. */
export function all(folder) {
  const wanted = process.argv.slice(2);
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".test.mjs") && (wanted.length === 0 || wanted.some((word) => name.includes(word))))
    .map((name) => join(folder, name));
  const stream = run({ files, concurrency: 1 });
  stream.on("test:fail", () => (process.exitCode = 1));
  if (process.stdout.isTTY) stream.compose(new spec()).pipe(process.stdout);
  else stream.compose(tap).pipe(process.stdout);
  return stream;
}
