// Every call of the element, for the compiler alone.

import type { BetweenWindows, Conflicts, FromFrame, Given, Merged, OpenAdapter, RankweaveError, RankWeaveElement, Reason, ToFrame } from "./embed.js";

const one: RankWeaveElement = document.createElement("rank-weave");
const stop = new AbortController();
const options = { signal: stop.signal };
await one.load();
const { missing }: { missing: number } = await one.setRecipe("1z", options);
await one.setWeight("a.safetensors", 0.5);
await one.setWeight(0, -1, options);
const given: Given[] = [new File([], "a"), { name: "b", bytes: new ArrayBuffer(8) }];
const { adapters, errors }: { adapters: OpenAdapter[]; errors: Reason[] } = await one.addFiles(given);
const conflicts: Conflicts = await one.analyze(options);
const merged: Merged = await one.merge();
await one.cancel();
const { id, link, json } = await one.getRecipe();
const { name, file } = await one.download(options).catch((error: RankweaveError) => ({ name: error.code, file: new Blob([error.hint ?? ""]) }));
one.addEventListener("progress", ({ detail: { done, total } }) => console.log(done / total));
one.addEventListener("done", ({ detail }) => console.log(detail.data_sha256, detail.ranks[0]));
one.addEventListener("error", ({ detail }) => console.log(detail.errors[0]?.what));
one.addEventListener("click", (event) => event.preventDefault());
console.log(missing, adapters, errors, conflicts.total.conflict[0], merged.size, id, link, json, name, file.size);

const hello: BetweenWindows = { ns: "rankweave", v: 1, type: "hello", frame: 0.5 };
const ask: ToFrame = { id: 1, method: "setWeight", params: { adapter: 0, weight: 1 } };
const port = new MessageChannel().port1;
port.postMessage(ask);
port.postMessage({ method: "$cancel", params: { id: 1 } } satisfies ToFrame);
port.onmessage = ({ data }: MessageEvent<FromFrame>) => {
  if ("event" in data) console.log(data.event === "done" ? data.data.name : hello.ns);
  else console.log(data.ok ? data.result : data.error.message);
};
