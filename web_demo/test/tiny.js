/** A small bundle that no engine opens: what its readers are tested with. */

import { createHash } from "node:crypto";

import { vectors } from "./vectors.js";

/** @param {Uint8Array} bytes */
const digest = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Files of a bundle by name, the manifest among them.  @returns {Record<string, Uint8Array>} */
export function tinyBundle() {
    const text = (/** @type {string} */ content) => new TextEncoder().encode(content);
    /** @type {Record<string, Uint8Array>} */
    const files = {
        "model.onnx": Uint8Array.from({ length: 5000 }, (_, at) => at % 251),
        "golden.json": text(JSON.stringify(vectors("golden_refusals.json").base)),
        "model-card.md": text("# A model\n"),
    };
    const listed = Object.entries(files).map(([name, bytes]) => [name, { sha256: digest(bytes), bytes: bytes.length }]);
    const manifest = { ...vectors("refusals.json").base, files: Object.fromEntries(listed) };
    return { "manifest.json": text(JSON.stringify(manifest)), ...files };
}
