// The network that reads the digits: x → relu(W·x + b) for each layer, no relu after the last; the largest score wins.
// All in f64, so that no rounding decides what a digit is read as.

/** Module → ΔW of an adapter's file, out × in, row-major: alpha/rank · B·A. */
export function deltas({ tensors, metadata }) {
  const config = JSON.parse(metadata.lora_adapter_metadata ?? "{}");
  const found = new Map();
  for (const [key, down] of tensors) {
    const name = key.match(/^(?:base_model\.model\.)?(.+)\.lora_A\.weight$/)?.[1];
    if (!name) continue;
    const up = tensors.get(key.replace("lora_A", "lora_B"));
    const [rank, columns] = down.shape;
    const alpha = tensors.get(key.replace("lora_A.weight", "alpha"))?.values[0] ?? config.lora_alpha ?? config.r;
    found.set(name, product(up.values, down.values, up.shape[0], rank, columns, alpha === undefined ? 1 : alpha / rank));
  }
  return found;
}

function product(up, down, rows, rank, columns, scale) {
  const out = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let r = 0; r < rank; r++) {
      const factor = scale * up[i * rank + r];
      for (let j = 0; j < columns; j++) out[i * columns + j] += factor * down[r * columns + j];
    }
  }
  return out;
}

/** A base with an adapter on it: its layers in order, `{ weight, bias, out, inp }`. */
export function network({ tensors }, names, changes = new Map()) {
  return names.map((name) => {
    const { shape: [out, inp], values } = tensors.get(`${name}.weight`);
    const delta = changes.get(name);
    const weight = delta ? values.map((value, i) => value + delta[i]) : values;
    return { weight, bias: tensors.get(`${name}.bias`).values, out, inp };
  });
}

/** What each picture (bytes, 255 is ink) is read as. */
export function read(layers, pictures) {
  const count = pictures.length / layers[0].inp;
  let values = pictures.map((shade) => shade / 255);
  layers.forEach((layer, i) => (values = apply(layer, values, count, i < layers.length - 1)));
  const classes = layers.at(-1).out;
  return Uint8Array.from({ length: count }, (_, n) => {
    let best = 0;
    for (let c = 1; c < classes; c++) if (values[n * classes + c] > values[n * classes + best]) best = c;
    return best;
  });
}

/** One layer for all pictures. Inputs of 0, about half of them, are left out; the others go in four at a time, so that
 * sums are fetched and stored a quarter as often. */
function apply({ weight, bias, out, inp }, values, count, relu) {
  const columns = transposed(weight, out, inp);
  const found = new Float64Array(count * out);
  const sums = new Float64Array(out);
  const places = new Int32Array(inp);
  const inputs = new Float64Array(inp);
  for (let n = 0; n < count; n++) {
    let used = 0;
    for (let i = 0; i < inp; i++) {
      const x = values[n * inp + i];
      if (x === 0) continue;
      places[used] = i * out;
      inputs[used++] = x;
    }
    sums.set(bias);
    let k = 0;
    for (; k + 3 < used; k += 4) {
      const [p, q, r, s] = [places[k], places[k + 1], places[k + 2], places[k + 3]];
      const [a, b, c, d] = [inputs[k], inputs[k + 1], inputs[k + 2], inputs[k + 3]];
      for (let o = 0; o < out; o++) {
        sums[o] = sums[o] + a * columns[p + o] + b * columns[q + o] + c * columns[r + o] + d * columns[s + o];
      }
    }
    for (; k < used; k++) {
      for (let o = 0; o < out; o++) sums[o] += inputs[k] * columns[places[k] + o];
    }
    found.set(sums, n * out);
  }
  if (relu) for (let i = 0; i < found.length; i++) if (found[i] < 0) found[i] = 0;
  return found;
}

function transposed(weight, out, inp) {
  const columns = new Float64Array(weight.length);
  for (let o = 0; o < out; o++) for (let i = 0; i < inp; i++) columns[i * out + o] = weight[o * inp + i];
  return columns;
}

/** How many are read as what they are. */
export const right = (found, labels) => found.reduce((sum, digit, i) => sum + (digit === labels[i] ? 1 : 0), 0);
