// The package in a page: workers of the browser, files as Blobs.

import { start } from "./lib/engine.js";
import * as web from "./lib/web.js";

export { RankweaveError } from "./lib/error.js";
export { recipe } from "./lib/recipe.js";

/** Loads the engine. Workers start when they are needed. */
export const init = (options) => start(web, options);
