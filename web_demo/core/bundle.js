/**
 * Reading a bundle safely. Files are taken to be hostile: names stay inside the bundle, sizes are capped before
 * anything is read, every byte is hashed before a runtime sees it. What the fields mean is the manifest's business.
 */

import { InvalidBundle, TrmEdgeError } from "./errors.js";
import { checkGolden, parseGolden } from "./golden.js";
import { GOLDEN, MANIFEST, MODEL_CARD, isLitter, parseManifest } from "./manifest.js";
import { repr } from "./python.js";
import { archive, choice, folder } from "./sources.js";

/** @typedef {import("./manifest.js").Manifest} Manifest */
/** @typedef {import("./sources.js").Source} Source */
/** @typedef {Uint8Array<ArrayBuffer>} Bytes */

const MAX_MANIFEST_BYTES = 4 * 1024 ** 2;
const MAX_GOLDEN_BYTES = 64 * 1024 ** 2;

/** A bundle whose files have been checked. They are held in memory until `close()`. */
export class Bundle {
    /** @type {Map<string, Bytes>} */
    #files;

    /**
     * @param {string} label what messages call it
     * @param {Manifest} manifest
     * @param {Map<string, Bytes>} files
     */
    constructor(label, manifest, files) {
        this.label = label;
        this.manifest = manifest;
        this.#files = files;
    }

    /** The graph's bytes. */
    model() {
        const bytes = this.#files.get(this.manifest.modelFile);
        if (bytes === undefined) throw new TrmEdgeError(`'${this.label}' was closed: open it again`);
        return bytes;
    }

    /**
     * The golden vectors.
     *
     * @throws {InvalidBundle} there are none, or they do not fit the manifest
     */
    golden() {
        const bytes = this.#files.get(GOLDEN);
        if (bytes === undefined) {
            throw new InvalidBundle(`'${this.label}' holds no ${GOLDEN}: export it again with golden vectors`);
        }
        const golden = parseGolden(decode(bytes, GOLDEN, MAX_GOLDEN_BYTES));
        checkGolden(golden, this.manifest);
        return golden;
    }

    /** Whether there are golden vectors. */
    get hasGolden() {
        return this.#files.has(GOLDEN);
    }

    /** The model card, or null. */
    card() {
        const bytes = this.#files.get(MODEL_CARD);
        return bytes === undefined ? null : new TextDecoder().decode(bytes);
    }

    /** Bytes of all files together. */
    get bytes() {
        return [...this.manifest.files.values()].reduce((sum, entry) => sum + entry.bytes, 0);
    }

    /** Free the files; manifest and label stay. */
    close() {
        this.#files.clear();
    }
}

/**
 * Open a `.zip`.
 *
 * @param {Blob} file
 * @param {string} [label] what messages call it; default: the file's name
 * @throws {InvalidBundle} no bundle, damaged, tampered with, unsafe or too new; says which file and why
 */
export async function readZip(file, label = "name" in file ? String(file.name) : "the archive") {
    return readBundle(await archive(file, label));
}

/**
 * Open the files of a folder that a person chose.
 *
 * @param {readonly File[]} files
 * @param {string} [label]
 * @throws {InvalidBundle} as `readZip`
 */
export async function readFiles(files, label = "the folder") {
    return readBundle(choice(files, label));
}

/**
 * Open a folder of the page's own server, `bundles/NAME/`.
 *
 * @param {string | URL} url
 * @param {{ label?: string, signal?: AbortSignal }} [options]
 * @throws {InvalidBundle} as `readZip`
 * @throws {TrmEdgeError} the server could not be read
 */
export async function readFolder(url, { label = String(url), signal } = {}) {
    return readBundle(folder(url, label, signal));
}

/**
 * @param {Source} source
 * @returns {Promise<Bundle>}
 */
export async function readBundle(source) {
    const { label } = source;
    const text = await source.read(MANIFEST, MAX_MANIFEST_BYTES);
    if (text === null) throw new InvalidBundle(`'${label}' is not a bundle: it has no ${MANIFEST}`);
    const manifest = parseManifest(decode(text, MANIFEST, MAX_MANIFEST_BYTES));
    if (source.names !== null) checkListing(label, manifest, source.names);
    const files = new Map();
    for (const [name, entry] of manifest.files) {
        checkSize(label, name, entry.bytes, source.size(name));
        const bytes = await source.read(name, entry.bytes);
        if (bytes === null) throw lacks(label, name);
        checkSize(label, name, entry.bytes, bytes.length); // an archive's own word may lie
        if ((await sha256(bytes)) !== entry.sha256) {
            throw new InvalidBundle(
                `'${name}' in '${label}' does not match its SHA-256: damaged or changed, copy the bundle again`,
            );
        }
        if ([manifest.modelFile, GOLDEN, MODEL_CARD].includes(name)) files.set(name, bytes);
    }
    return new Bundle(label, manifest, files);
}

/** @param {string} label @param {Manifest} manifest @param {string[]} present */
function checkListing(label, manifest, present) {
    const missing = [...manifest.files.keys()].filter((name) => !present.includes(name));
    if (missing.length) throw lacks(label, missing.sort()[0]);
    const unlisted = present.filter((name) => !isLitter(name) && name !== MANIFEST && !manifest.files.has(name));
    if (unlisted.length) {
        throw new InvalidBundle(
            `'${label}' holds ${repr(unlisted.sort()[0])}, which its manifest does not list: remove it`,
        );
    }
}

/** @param {string} label @param {string} name */
function lacks(label, name) {
    return new InvalidBundle(`'${label}' lacks '${name}', which its manifest lists: copy the bundle again`);
}

/**
 * The size comes first, so that a file of the wrong size is never read to its end.
 *
 * @param {string} label
 * @param {string} name
 * @param {number} stated by the manifest
 * @param {number | null} size null: not known yet
 */
function checkSize(label, name, stated, size) {
    const known = size ?? stated;
    if (name === GOLDEN && known > MAX_GOLDEN_BYTES) {
        throw new InvalidBundle(`'${name}' in '${label}' is ${known} bytes, at most ${MAX_GOLDEN_BYTES} are allowed`);
    }
    if (known !== stated) {
        throw new InvalidBundle(
            `'${name}' in '${label}' is ${known} bytes, its manifest says ${stated}: copy the bundle again`,
        );
    }
}

/** @param {Bytes} bytes @param {string} name @param {number} limit */
function decode(bytes, name, limit) {
    if (bytes.length > limit) throw new InvalidBundle(`'${name}' is larger than ${limit} bytes`);
    try {
        return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
        throw new InvalidBundle(`'${name}' is not UTF-8 text`);
    }
}

/** @param {Bytes} bytes */
async function sha256(bytes) {
    if (globalThis.crypto?.subtle === undefined) {
        throw new TrmEdgeError(
            "This browser checks hashes only on pages from https or localhost: open the page from one of these",
        );
    }
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
