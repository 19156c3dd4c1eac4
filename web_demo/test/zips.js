/** Archives for tests, written byte by byte: stored or deflated entries, of 32 or 64 bits. */

import { crc32, deflateRawSync } from "node:zlib";

/**
 * @typedef {object} Options
 * @property {boolean} [wide] sizes and offsets of 64 bits
 * @property {boolean} [deflated]
 * @property {Uint8Array} [before] bytes in front of the archive
 */

/**
 * @param {Record<string, Uint8Array>} files
 * @param {Options} [options]
 */
export function zip(files, { wide = false, deflated = false, before = new Uint8Array() } = {}) {
    const parts = [Buffer.from(before)];
    const directory = [];
    let offset = 0;
    for (const [name, bytes] of Object.entries(files)) {
        const packed = deflated ? deflateRawSync(bytes) : Buffer.from(bytes);
        const sizes = [packed.length, bytes.length];
        const common = [shorts(wide ? 45 : 20, 0, deflated ? 8 : 0, 0, 0x21), ints(crc32(bytes))];
        const local = [ints(0x04034b50), ...common, ints(...sizes), shorts(name.length, 0), Buffer.from(name), packed];
        const extra = wide
            ? Buffer.concat([shorts(1, 24), longs(bytes.length, packed.length, offset)])
            : Buffer.alloc(0);
        const stated = wide ? ints(0xffffffff, 0xffffffff) : ints(...sizes);
        directory.push(ints(0x02014b50), shorts(0x0314), ...common, stated, shorts(name.length, extra.length, 0, 0, 0));
        directory.push(ints(0o100644 << 16, wide ? 0xffffffff : offset), Buffer.from(name), extra);
        parts.push(...local);
        offset += Buffer.concat(local).length;
    }
    const central = Buffer.concat(directory);
    const count = Object.keys(files).length;
    parts.push(central);
    if (wide) {
        const record = [shorts(0x0314, 45), ints(0, 0), longs(count, count, central.length, offset)];
        parts.push(ints(0x06064b50), longs(44), ...record);
        parts.push(ints(0x07064b50, 0), longs(offset + central.length), ints(1));
    }
    const end = wide ? ints(0xffffffff, 0xffffffff) : ints(central.length, offset);
    parts.push(ints(0x06054b50), shorts(0, 0, count, count), end, shorts(0));
    return new Blob([Buffer.concat(parts)]);
}

/** @param {number[]} values */
function shorts(...values) {
    return Buffer.from(Uint16Array.from(values).buffer);
}

/** @param {number[]} values */
function ints(...values) {
    return Buffer.from(Uint32Array.from(values, (value) => value >>> 0).buffer);
}

/** @param {number[]} values */
function longs(...values) {
    return Buffer.from(BigUint64Array.from(values, BigInt).buffer);
}
