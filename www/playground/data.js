// The playground's files, and the worker that reads pictures with a merged one.

import { right } from "./network.js";
import { parse } from "./safetensors.js";

const get = async (name) => {
  const response = await fetch(new URL(`data/${name}`, import.meta.url));
  if (!response.ok) throw new Error(`data/${name} is not there: ${response.status}`);
  return response;
};
const bytes = async (name) => (await get(`${name}.safetensors`)).arrayBuffer();

let told;
/** What set.json says. */
const about = () => (told ??= get("set.json").then((response) => response.json()));

/** The adapters' files, for the engine. */
export async function adapters() {
  const { experts } = await about();
  return Promise.all(experts.map(async (id) => ({ label: `${id}.safetensors`, file: new Blob([await bytes(id)]) })));
}

/** The other files: names, pictures, labels, and `read(file)`, which counts what a merged network reads rightly. */
export async function load() {
  const [set, base, test] = await Promise.all([about(), bytes("base"), bytes("test")]);
  const { tensors } = parse(test);
  const labels = Uint8Array.from(tensors.get("labels").values);
  const ask = reader({ set, base, test });
  return {
    ...set,
    title: (id) => set.domains.find((domain) => domain.id === id).title,
    labels,
    /** 64 bytes. */
    picture: (domain, n) => Uint8Array.from(tensors.get(domain).values.subarray(64 * n, 64 * n + 64)),
    /** What each picture is read as, and how many of a domain rightly; of the base where there is no file. */
    async read(file) {
      const found = await ask(file);
      const counts = Object.fromEntries(set.domains.map(({ id }) => [id, right(found[id], labels)]));
      return { found, counts, mean: mean(set, counts) };
    },
    mean: (counts) => mean(set, counts),
  };
}

/** Share of the four changed domains' pictures. */
const mean = (set, counts) => set.experts.reduce((sum, id) => sum + counts[id], 0) / (set.experts.length * set.pictures);

/** Asks the worker. */
function reader({ set, base, test }) {
  const worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { number, found, error } }) => {
    const { resolve, reject } = waiting.get(number);
    waiting.delete(number);
    if (error) reject(new Error(error));
    else resolve(found);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    for (const { reject } of waiting.values()) reject(new Error(event.message ?? "the worker that reads the pictures could not start"));
    waiting.clear();
  };
  // Copies: the page needs the pictures too.
  worker.postMessage({ set, base, test });
  return (file) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      worker.postMessage({ number: last, file });
    });
}
