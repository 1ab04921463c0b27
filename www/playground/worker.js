// Reads the pictures beside the page, so that sliders stay smooth.
//
// | message | answer |
// |---|---|
// | `{ base, test, set }`: two files, and what set.json says | none |
// | `{ number, file }`: a merged file, or none for the base | `{ number, found }`: domain → what each picture is read as; or `{ number, error }` |

import { deltas, network, read } from "./network.js";
import { parse } from "./safetensors.js";

let base;
let layers;
let pictures;

onmessage = async ({ data }) => {
  if (data.set) {
    base = parse(data.base);
    layers = data.set.layers;
    const { tensors } = parse(data.test);
    pictures = data.set.domains.map(({ id }) => [id, tensors.get(id).values]);
    return;
  }
  const { number, file } = data;
  try {
    const changes = file ? deltas(parse(await file.arrayBuffer())) : new Map();
    const changed = network(base, layers, changes);
    const found = Object.fromEntries(pictures.map(([id, bytes]) => [id, read(changed, bytes)]));
    postMessage({ number, found });
  } catch (error) {
    postMessage({ number, error: String(error?.message ?? error) });
  }
};
