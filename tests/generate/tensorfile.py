"""Reads and writes safetensors files with numpy alone.

Layout: u64 little-endian header length, JSON header, tensor bytes.
Numbers are rounded to nearest even when they become F16 or BF16, and `stored` gives back, in float64, exactly
what a reader will find, so that an expectation can be computed from the rounded factors and not from the ideal ones.
"""
import json
import struct

import numpy as np

_NUMPY = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "U8": np.uint8}


def encode(array, dtype):
    """Little-endian bytes of `array` in `dtype` (F64, F32, F16, BF16, U8)."""
    array = np.asarray(array, dtype=np.float64)
    if dtype != "BF16":
        return np.ascontiguousarray(array, dtype=_NUMPY[dtype]).tobytes()
    bits = np.ascontiguousarray(array, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16).tobytes()


def decode(data, dtype):
    """The float64 values, one-dimensional, of bytes in `dtype`."""
    if dtype == "BF16":
        return (np.frombuffer(data, np.uint16).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    return np.frombuffer(data, _NUMPY[dtype]).astype(np.float64)


def stored(array, dtype):
    """What `array` becomes by being written in `dtype` and read back."""
    return decode(encode(array, dtype), dtype).reshape(np.shape(array))


def write(path, tensors, metadata=None):
    """Writes `tensors`, a list of (name, array, dtype) in file order; returns the file's size in bytes."""
    header, body = {}, b""
    if metadata is not None:
        header["__metadata__"] = dict(sorted(metadata.items()))
    for name, array, dtype in tensors:
        data = encode(array, dtype)
        header[name] = {
            "dtype": dtype,
            "shape": list(np.shape(array)),
            "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + body)
    return 8 + len(text) + len(body)


def read(path):
    """({name: float64 array}, metadata) of a file."""
    with open(path, "rb") as file:
        data = file.read()
    (length,) = struct.unpack("<Q", data[:8])
    header, body = json.loads(data[8 : 8 + length]), data[8 + length :]
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, info in header.items():
        start, end = info["data_offsets"]
        tensors[name] = decode(body[start:end], info["dtype"]).reshape(info["shape"])
    return tensors, metadata
