// Runs all browser tests, or those that are named: each file has a browser of its own.

import { all } from "./lib/all.mjs";

all(import.meta.dirname);
