"""The random words of a module's entries: Philox4x32-10 by position.

Word i of the stream (seed, name, lane) is word i mod 4 of the block with the counter (⌊i/4⌋, lane), each 64 bits, under a
key that is the first half of the block with the counter (FNV-1a of the name, 0) under the seed.
"""
import numpy as np

LOW = np.uint64(0xFFFFFFFF)


def philox(counter, key):
    """Ten rounds on four arrays of 32 bits each, held in 64."""
    c, k = [np.uint64(x) for x in counter], [np.uint64(x) for x in key]
    for _ in range(10):
        first, second = np.uint64(0xD2511F53) * c[0], np.uint64(0xCD9E8D57) * c[2]
        shift = np.uint64(32)
        c = [(second >> shift) ^ c[1] ^ k[0], second & LOW, (first >> shift) ^ c[3] ^ k[1], first & LOW]
        k = [(k[0] + np.uint64(0x9E3779B9)) & LOW, (k[1] + np.uint64(0xBB67AE85)) & LOW]
    return c


def words(seed, name, lane, count):
    """The first `count` words."""
    hashed = 0xCBF29CE484222325
    for byte in name.encode():
        hashed = (hashed ^ byte) * 0x100000001B3 % 2**64
    key = philox([hashed % 2**32, hashed >> 32, 0, 0], [seed % 2**32, seed >> 32])[:2]
    blocks = np.arange(-(-count // 4), dtype=np.uint64)
    lanes = [np.full_like(blocks, lane % 2**32), np.full_like(blocks, lane >> 32)]
    return np.stack(philox([blocks & LOW, blocks >> np.uint64(32), *lanes], key), axis=1).ravel()[:count]


def uniform(seed, name, lane, shape):
    """The words of a matrix, row by row, as numbers in [0, 1)."""
    return words(seed, name, lane, int(np.prod(shape))).reshape(shape) / 2.0**32


assert [int(x) for x in philox([0] * 4, [0] * 2)] == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
