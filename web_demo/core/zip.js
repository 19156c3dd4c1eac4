/**
 * The central directory of a `.zip`, and its entries one by one. Reads of a Blob what it needs and never more than was
 * asked for; knows nothing of bundles. Entries may be stored or deflated, of 32 or 64 bits.
 */

import { repr } from "./python.js";

/**
 * @typedef {object} Entry
 * @property {string} name as the archive has it
 * @property {number} size bytes when unpacked, as the archive declares
 * @property {number} packed bytes in the archive
 * @property {number} method 0 stored, 8 deflated
 * @property {number} flags
 * @property {number} crc
 * @property {number} mode Unix file mode, 0 where it was not written
 * @property {number} offset of its local header
 */

const END = 0x06054b50;
const END64 = 0x06064b50;
const LOCATOR64 = 0x07064b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
const MAX_DIRECTORY = 16 << 20; // bytes
const UTF8 = 0x800;

/** Not a zip, or a damaged one. */
export class BadZip extends Error {}

/**
 * Entries of an archive, in its order.
 *
 * @param {Blob} blob
 * @returns {Promise<Entry[]>}
 * @throws {BadZip}
 */
export async function directory(blob) {
    const { size, offset, start } = await ending(blob);
    if (size > MAX_DIRECTORY) throw new BadZip(`its directory takes ${size} bytes, at most ${MAX_DIRECTORY} are read`);
    const before = start - size - offset; // bytes in front of the archive, as self-extracting ones have them
    if (before < 0) throw new BadZip("Bad offset for central directory");
    const bytes = await view(blob, offset + before, size);
    const entries = [];
    for (let at = 0; at < size;) {
        if (at + 46 > size) throw new BadZip("Truncated central directory");
        if (bytes.getUint32(at, true) !== CENTRAL) throw new BadZip("Bad magic number for central directory");
        const [nameSize, extraSize, commentSize] = [28, 30, 32].map((place) => bytes.getUint16(at + place, true));
        const end = at + 46 + nameSize + extraSize + commentSize;
        if (end > size) throw new BadZip("Truncated central directory");
        entries.push(entryAt(bytes, at, nameSize, extraSize, before));
        at = end;
    }
    return entries;
}

/**
 * The bytes of an entry, at most `limit + 1` of them: whoever gets more than `limit` knows that it is longer.
 *
 * @param {Blob} blob
 * @param {Entry} entry
 * @param {number} limit
 * @returns {Promise<Uint8Array<ArrayBuffer>>}
 * @throws {BadZip}
 */
export async function contents(blob, entry, limit) {
    if (entry.method !== 0 && entry.method !== 8) throw new BadZip("That compression method is not supported");
    if (entry.flags & 0x20) throw new BadZip("compressed patched data (flag bit 5)");
    if (entry.flags & 0x40) throw new BadZip("strong encryption (flag bit 6)");
    const header = await view(blob, entry.offset, 30);
    if (header.getUint32(0, true) !== LOCAL) throw new BadZip("Bad magic number for file header");
    const nameSize = header.getUint16(26, true);
    const inside = text(await view(blob, entry.offset + 30, nameSize), header.getUint16(6, true));
    if (inside.split("\0")[0] !== entry.name) {
        throw new BadZip(`File name in directory ${repr(entry.name)} and header ${repr(inside)} differ.`);
    }
    const start = entry.offset + 30 + nameSize + header.getUint16(28, true);
    if (start + entry.packed > blob.size) throw new BadZip("it ends within a file");
    const packed = blob.slice(start, start + entry.packed);
    const most = Math.min(limit + 1, entry.size);
    const found = entry.method === 0 ? await stored(packed, most) : await inflated(packed, most);
    if (found.length === entry.size && crc32(found) !== entry.crc) {
        throw new BadZip(`Bad CRC-32 for file ${repr(entry.name)}`);
    }
    if (found.length < most) throw new BadZip(`it holds less of ${repr(entry.name)} than it says`);
    return found;
}

/** Size and offset of the directory, and where it ends.  @param {Blob} blob */
async function ending(blob) {
    const tail = await view(blob, Math.max(0, blob.size - 0xffff - 22), Math.min(blob.size, 0xffff + 22));
    let at = tail.byteLength - 22;
    // the last one whose comment fits; an archive without a comment ends with it
    while (at >= 0 && !(tail.getUint32(at, true) === END && at + 22 + tail.getUint16(at + 20, true) <= tail.byteLength))
        at--;
    if (at < 0) throw new BadZip("File is not a zip file");
    const size = tail.getUint32(at + 12, true);
    const offset = tail.getUint32(at + 16, true);
    const start = blob.size - tail.byteLength + at;
    const large = at >= 20 && tail.getUint32(at - 20, true) === LOCATOR64;
    return large ? await ending64(blob, start - 20) : { size, offset, start };
}

/** @param {Blob} blob @param {number} locator where the 64-bit locator lies; its record lies right before it */
async function ending64(blob, locator) {
    const start = locator - 56;
    const record = await view(blob, start, 56);
    if (record.getUint32(0, true) !== END64) throw new BadZip("Bad magic number for the 64-bit directory");
    return { size: large(record, 40), offset: large(record, 48), start };
}

/**
 * @param {DataView} bytes the directory
 * @param {number} at where the entry begins
 * @param {number} nameSize
 * @param {number} extraSize
 * @param {number} before bytes in front of the archive
 * @returns {Entry}
 */
function entryAt(bytes, at, nameSize, extraSize, before) {
    const flags = bytes.getUint16(at + 8, true);
    const name = text(new DataView(bytes.buffer, bytes.byteOffset + at + 46, nameSize), flags).split("\0")[0];
    let [size, packed, offset] = [24, 20, 42].map((place) => bytes.getUint32(at + place, true));
    for (let place = at + 46 + nameSize, end = place + extraSize; place + 4 <= end;) {
        const length = bytes.getUint16(place + 2, true);
        if (place + 4 + length > end) throw new BadZip("Corrupt extra field");
        if (bytes.getUint16(place, true) === 1) {
            let next = place + 4;
            const wide = (/** @type {number} */ value) => {
                if (value !== 0xffffffff) return value;
                if (next + 8 > place + 4 + length) throw new BadZip("Corrupt zip64 extra field");
                next += 8;
                return large(bytes, next - 8);
            };
            size = wide(size);
            packed = wide(packed);
            offset = wide(offset);
        }
        place += 4 + length;
    }
    return {
        name,
        size,
        packed,
        method: bytes.getUint16(at + 10, true),
        flags,
        crc: bytes.getUint32(at + 16, true),
        mode: bytes.getUint16(at + 40, true),
        offset: offset + before,
    };
}

/** @param {DataView} bytes @param {number} at */
function large(bytes, at) {
    const value = Number(bytes.getBigUint64(at, true));
    if (!Number.isSafeInteger(value)) throw new BadZip("a size or offset is beyond all files");
    return value;
}

/** A name, in UTF-8 or the letters of MS-DOS (other than ASCII they are shown as `?`; no bundle has them).
 * @param {DataView} bytes @param {number} flags */
function text(bytes, flags) {
    if (!(flags & UTF8)) {
        let name = "";
        for (let at = 0; at < bytes.byteLength; at++) {
            const code = bytes.getUint8(at);
            name += code < 0x80 ? String.fromCharCode(code) : "?";
        }
        return name;
    }
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        throw new BadZip("a file name is not UTF-8");
    }
}

/** @param {Blob} blob @param {number} start @param {number} size */
async function view(blob, start, size) {
    if (start < 0 || start + size > blob.size) throw new BadZip("it ends too early");
    return new DataView(await blob.slice(start, start + size).arrayBuffer());
}

/** @param {Blob} packed @param {number} most */
async function stored(packed, most) {
    return new Uint8Array(await packed.slice(0, most).arrayBuffer());
}

/** @param {Blob} packed @param {number} most */
async function inflated(packed, most) {
    const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    const chunks = [];
    let size = 0;
    try {
        while (size < most) {
            const { done, value } = await reader.read();
            if (done) break;
            const chunk = value.subarray(0, most - size);
            chunks.push(chunk);
            size += chunk.length;
        }
    } catch {
        throw new BadZip("Error while decompressing: the data is damaged");
    }
    reader.cancel().catch(() => {}); // of what is longer than it may be, no more is unpacked
    return joined(chunks, size);
}

/**
 * @param {Uint8Array[]} chunks
 * @param {number} size of all together
 */
export function joined(chunks, size) {
    const whole = new Uint8Array(size);
    let at = 0;
    for (const chunk of chunks) {
        whole.set(chunk, at);
        at += chunk.length;
    }
    return whole;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
    let value = byte;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
    return value;
});

/** @param {Uint8Array} bytes */
function crc32(bytes) {
    let crc = 0xffffffff;
    for (let at = 0; at < bytes.length; at++) crc = TABLE[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
    return (crc ^ 0xffffffff) >>> 0;
}
