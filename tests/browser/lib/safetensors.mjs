// Reading and writing safetensors, as plainly as can be: this is what the page's files are checked with.

import { readFileSync, writeFileSync } from "node:fs";

/** Header, metadata, and every tensor as f64. */
export function read(path) {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString("utf8"));
  const metadata = header.__metadata__ ?? {};
  delete header.__metadata__;
  const tensors = new Map();
  for (const [name, { dtype, shape, data_offsets: [from, to] }] of Object.entries(header)) {
    tensors.set(name, { dtype, shape, values: decode(dtype, bytes.subarray(8 + length + from, 8 + length + to)) });
  }
  return { metadata, tensors, data: bytes.subarray(8 + length) };
}

function decode(dtype, bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const one = {
    F32: [4, (at) => view.getFloat32(at, true)],
    F16: [2, (at) => half(view.getUint16(at, true))],
    BF16: [2, (at) => bfloat(view.getUint16(at, true))],
    F64: [8, (at) => view.getFloat64(at, true)],
  }[dtype];
  if (!one) throw new Error(`a tensor of type ${dtype}`);
  return Float64Array.from({ length: bytes.length / one[0] }, (_, i) => one[1](i * one[0]));
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
  word.setUint32(0, bits << 16);
  return word.getFloat32(0);
}

/** Writes F32 tensors: `[[name, shape, Float32Array], …]`. */
export function write(path, tensors, metadata = {}) {
  const header = { __metadata__: metadata };
  let at = 0;
  for (const [name, shape, values] of tensors) {
    header[name] = { dtype: "F32", shape, data_offsets: [at, (at += values.byteLength)] };
  }
  const json = Buffer.from(JSON.stringify(header));
  const text = Buffer.concat([json, Buffer.alloc((8 - (json.length % 8)) % 8, " ")]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const parts = tensors.map(([, , v]) => Buffer.from(v.buffer, v.byteOffset, v.byteLength));
  writeFileSync(path, Buffer.concat([length, text, ...parts]));
}
