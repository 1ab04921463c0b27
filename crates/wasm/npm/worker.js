// The engine as a worker with an address of its own, for pages whose policy allows none from a blob:
// `init({ worker: () => new Worker(address, { type: "module" }) })`. The first message is the compiled engine, which
// then takes over `onmessage`.

import { initSync } from "./wasm/engine.js";

globalThis.onmessage = ({ data }) => initSync({ module: data });
