/**
 * Where the files of a bundle come from: an archive, a choice of files, or a folder on the page's own server. All three
 * answer the same three questions; hashes and the manifest are their caller's business. Links and devices are refused
 * in an archive; a browser shows neither in a choice of files, nor does a server.
 */

import { InvalidBundle, TrmEdgeError, oneLine } from "./errors.js";
import { MANIFEST, MAX_FILES, isLitter, unsafeName } from "./manifest.js";
import { repr } from "./python.js";
import { BadZip, contents, directory, joined } from "./zip.js";

/**
 * @typedef {object} Source
 * @property {string} label what messages call it
 * @property {string[] | null} names its files, litter left out; null: it cannot be asked for them
 * @property {(name: string) => number | null} size bytes of a file as declared; null: not known before it is read
 * @property {(name: string, limit: number) => Promise<Uint8Array<ArrayBuffer> | null>} read a file, at most `limit + 1`
 *     bytes of it; null: there is none
 */

const ENCRYPTED = 0x1;
const FILE_TYPE = 0o170000;
const REGULAR_FILE = 0o100000;

/**
 * A `.zip`. All its files may lie in one top folder, as in archives made by hand.
 *
 * @param {Blob} blob
 * @param {string} label
 * @returns {Promise<Source>}
 * @throws {InvalidBundle} not a zip, damaged or unsafe
 */
export async function archive(blob, label) {
    const members = checked(await readable(label, directory(blob)), label);
    return {
        label,
        names: [...members.keys()],
        size: (name) => members.get(name)?.size ?? null,
        read: async (name, limit) => {
            const entry = members.get(name);
            return entry === undefined ? null : await readable(label, contents(blob, entry, limit));
        },
    };
}

/** @template T @param {string} label @param {Promise<T>} reading */
async function readable(label, reading) {
    try {
        return await reading;
    } catch (error) {
        if (error instanceof BadZip) throw new InvalidBundle(`'${label}' is not a readable zip: ${error.message}`);
        throw new TrmEdgeError(`Cannot read '${label}': ${oneLine(error)}`);
    }
}

/**
 * Entries by plain name.
 *
 * @param {import("./zip.js").Entry[]} entries
 * @param {string} label
 */
function checked(entries, label) {
    const files = entries.filter(({ name }) => !name.startsWith("__MACOSX/") && !name.endsWith("/"));
    const top = topFolder(files.map(({ name }) => name));
    /** @type {Map<string, import("./zip.js").Entry>} */
    const members = new Map();
    for (const entry of files) {
        const name = entry.name.startsWith(top) ? entry.name.slice(top.length) : entry.name;
        if (isLitter(name)) continue;
        const reason = name === MANIFEST ? null : unsafeName(name);
        if (reason !== null) throw new InvalidBundle(`'${label}' holds the unsafe name ${repr(entry.name)}: ${reason}`);
        if (members.has(name)) throw new InvalidBundle(`'${label}' holds ${repr(name)} twice`);
        if (![0, REGULAR_FILE].includes(entry.mode & FILE_TYPE)) {
            throw new InvalidBundle(
                `${repr(name)} in '${label}' is not a regular file: links are not allowed in a bundle`,
            );
        }
        if (entry.flags & ENCRYPTED) {
            throw new InvalidBundle(`${repr(name)} in '${label}' is encrypted: a bundle must not be`);
        }
        members.set(name, entry);
    }
    if (members.size > MAX_FILES + 1) {
        throw new InvalidBundle(`'${label}' holds ${members.size} files, at most ${MAX_FILES + 1} are allowed`);
    }
    return members;
}

/** The one folder that all may lie in, with its slash; empty if the manifest lies outside or there is more than one.
 * @param {string[]} names */
function topFolder(names) {
    const top = names.find((name) => name.endsWith(`/${MANIFEST}`))?.slice(0, -MANIFEST.length) ?? "";
    const single = top.indexOf("/") === top.length - 1 && unsafeName(top.slice(0, -1)) === null;
    return names.includes(MANIFEST) || !single ? "" : top;
}

/**
 * Files that a person chose, alone or as a folder.
 *
 * @param {readonly File[]} files
 * @param {string} label
 * @returns {Source}
 */
export function choice(files, label) {
    const path = (/** @type {File} */ file) => file.webkitRelativePath || file.name;
    const top = topFolder(files.map(path));
    const named = files.map(
        (file) => /** @type {const} */ ([path(file).slice(path(file).startsWith(top) ? top.length : 0), file]),
    );
    const byName = new Map(named.filter(([name]) => !isLitter(name)));
    return {
        label,
        names: [...byName.keys()],
        size: (name) => byName.get(name)?.size ?? null,
        read: async (name, limit) => {
            const file = byName.get(name);
            if (file === undefined) return null;
            try {
                return new Uint8Array(await file.slice(0, limit + 1).arrayBuffer());
            } catch (error) {
                throw new TrmEdgeError(`Cannot read '${name}': ${oneLine(error)}`);
            }
        },
    };
}

/**
 * A folder on a server. It cannot be asked what else lies in it.
 *
 * @param {string | URL} url of the folder, with or without the slash at its end
 * @param {string} label
 * @param {AbortSignal} [signal]
 * @returns {Source}
 */
export function folder(url, label, signal) {
    const base = String(url).replace(/\/?$/, "/");
    return {
        label,
        names: null,
        size: () => null,
        read: async (name, limit) => {
            try {
                const response = await fetch(base + name, { signal });
                if (response.status === 404) return null;
                if (!response.ok || response.body === null) throw new Error(`the server said ${response.status}`);
                return await atMost(response.body, limit + 1);
            } catch (error) {
                if (signal?.aborted) throw error;
                throw new TrmEdgeError(`Cannot read '${base}${name}': ${oneLine(error)}`);
            }
        },
    };
}

/** @param {ReadableStream<Uint8Array>} stream @param {number} most bytes */
async function atMost(stream, most) {
    const reader = stream.getReader();
    const chunks = [];
    let size = 0;
    while (size < most) {
        const { done, value } = await reader.read();
        if (done) break;
        const chunk = value.subarray(0, most - size);
        chunks.push(chunk);
        size += chunk.length;
    }
    if (size === most) await reader.cancel();
    return joined(chunks, size);
}
