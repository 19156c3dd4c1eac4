/** Bundles with graphs, made by `tests/vectors/make.py`; what needs them is skipped where there are none. */

import { openAsBlob, readdirSync } from "node:fs";
import { join } from "node:path";

import { readFiles } from "../core/bundle.js";
import { FIXTURES } from "./vectors.js";

/** Options of a test that needs the fixtures. */
export const NEEDS_FIXTURES = { skip: FIXTURES === null && "TRM_EDGE_FIXTURES names no fixtures" };

/** Files of a fixture's bundle, as a person would choose them.  @param {string} name */
export async function filesOf(name) {
    const folder = join(/** @type {string} */ (FIXTURES), "bundles", name);
    const names = readdirSync(folder);
    return Promise.all(names.map(async (file) => new File([await openAsBlob(join(folder, file))], file)));
}

/** @param {string} name */
export async function bundleOf(name) {
    return readFiles(await filesOf(name), name);
}
