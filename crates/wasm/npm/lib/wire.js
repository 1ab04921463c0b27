// A message between a page and a worker: [number, sort, body, attached…]. Number 0: nobody asked.
// crates/wasm/src/wire.rs says the same; the bodies are those of crates/wasm/src/protocol.rs.

/** From the page: a request. */
export const ASK = 0;
/** What was asked for. */
export const ANSWER = 1;
/** The list of reasons why not. */
export const FAILED = 2;
/** The engine stops through a fault of its own: the message. */
export const PANIC = 3;
/** How far the answer is, 0 to 1. */
export const STEP = 4;
