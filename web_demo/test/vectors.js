/** The vectors that every language replays, and the record of what was replayed (tests/vectors/README.md). */

import assert from "node:assert/strict";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { fileURLToPath } from "node:url";

import { TrmEdgeError } from "../core/errors.js";

export const VECTORS = process.env.TRM_EDGE_VECTORS || fileURLToPath(new URL("../../tests/vectors", import.meta.url));
export const FIXTURES = process.env.TRM_EDGE_FIXTURES || null;

/** @param {string} path */
export function readJson(path) {
    return JSON.parse(readFileSync(path, "utf8"));
}

/** @param {string} file */
export function vectors(file) {
    return readJson(join(VECTORS, file));
}

/** Ids of the cases that were replayed. @type {string[]} */
const replayed = [];

/**
 * One test a case of a section; those of other languages are left out.
 *
 * @param {string} file the file's name, the beginning of the ids
 * @param {Record<string, any>} document its content
 * @param {string} section
 * @param {(given: any, key: string) => void | Promise<void>} replay throws what is wrong; `key` of an object's entry
 */
export function replay(file, document, section, replay) {
    const entries = Object.entries(document[section] ?? []);
    assert.ok(entries.length > 0, `${file} has no section ${section}`);
    describe(`${file}/${section}`, () => {
        for (const [place, [key, given]] of entries.entries()) {
            if (given?.only && !given.only.includes("javascript")) continue;
            const id = `${file}/${section}/${given?.name ?? place}`;
            test(String(given?.name ?? place), async () => {
                await replay(given, key);
                replayed.push(id);
            });
        }
    });
}

/**
 * Demand a refusal: one of our own errors, in one line that contains `says`.
 *
 * @param {string} says
 * @param {() => unknown} attempt
 */
export async function refuses(says, attempt) {
    try {
        await attempt();
    } catch (error) {
        if (!(error instanceof TrmEdgeError)) throw error;
        assert.ok(error.message.includes(says), `"${error.message}" does not say "${says}"`);
        assert.ok(!error.message.includes("\n"), `more than one line: ${error.message}`);
        return;
    }
    assert.fail(`not refused; it should say "${says}"`);
}

/** Hand the record over when all tests of the file have run. One file replays all vectors: nobody else writes it. */
export function recordReplayed() {
    after(() => {
        const path = process.env.TRM_EDGE_REPLAYED;
        if (!path) return;
        writeFileSync(`${path}.part`, JSON.stringify(replayed.sort(), null, 1));
        renameSync(`${path}.part`, path);
    });
}
