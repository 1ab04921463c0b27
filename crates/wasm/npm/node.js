// The package in Node: worker threads, files read by range.

import { start } from "./lib/engine.js";
import * as node from "./lib/node.js";

export { RankweaveError } from "./lib/error.js";
export { recipe } from "./lib/recipe.js";

/** Loads the engine. Workers start when they are needed. */
export const init = (options) => start(node, options);
