// Reads safetensors: 8 bytes of length, a JSON header, then the tensors' bytes.

/** Type → bytes of a number, and how one is read at a place. */
const TYPES = {
  U8: [1, (view, at) => view.getUint8(at)],
  F16: [2, (view, at) => half(view.getUint16(at, true))],
  BF16: [2, (view, at) => bfloat(view.getUint16(at, true))],
  F32: [4, (view, at) => view.getFloat32(at, true)],
  F64: [8, (view, at) => view.getFloat64(at, true)],
};

/** A file's metadata, and its tensors by name: `{ shape, values }`, values as f64. */
export function parse(buffer) {
  const length = Number(new DataView(buffer).getBigUint64(0, true));
  const { __metadata__: metadata = {}, ...entries } = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 8, length)));
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets: [start, end] }] of Object.entries(entries)) {
    if (!TYPES[dtype]) throw new Error(`${name} has numbers of type ${dtype}`);
    const [size, read] = TYPES[dtype];
    const view = new DataView(buffer, 8 + length + start, end - start);
    tensors.set(name, { shape, values: Float64Array.from({ length: (end - start) / size }, (_, i) => read(view, i * size)) });
  }
  return { metadata, tensors };
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return exponent ? sign * 2 ** (exponent - 15) * (1 + fraction / 1024) : sign * 2 ** -24 * fraction;
}

const word = new DataView(new ArrayBuffer(4));
function bfloat(bits) {
  word.setUint16(0, bits);
  return word.getFloat32(0);
}
