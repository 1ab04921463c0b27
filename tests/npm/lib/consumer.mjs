// A project that uses the package.

import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { install } from "./install.mjs";

/** The folder of such a project: the one of `run.mjs`, or one of this file's own. */
export const consumer = process.env.RANKWEAVE_CONSUMER ?? own();

/** The installed package. */
export const installed = join(consumer, "node_modules/rankweave");

/** The package as Node finds it from the project. */
export async function load() {
  const probe = join(consumer, "load.mjs");
  if (!existsSync(probe)) writeFileSync(probe, 'export * from "rankweave";\n');
  return import(pathToFileURL(probe));
}

function own() {
  const folder = install();
  process.on("exit", () => rmSync(folder, { recursive: true }));
  return folder;
}
