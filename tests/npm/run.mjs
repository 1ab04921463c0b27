// Packs and installs the package once, as others do, and runs all its tests, or those that are named.

import { rmSync } from "node:fs";
import { all } from "../browser/lib/all.mjs";
import { install } from "./lib/install.mjs";

process.env.RANKWEAVE_CONSUMER = install();
all(import.meta.dirname).on("end", () => rmSync(process.env.RANKWEAVE_CONSUMER, { recursive: true }));
