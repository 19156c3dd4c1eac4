/** The example in core/README.md runs as it stands. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { NEEDS_FIXTURES } from "./fixtures.js";
import { FIXTURES } from "./vectors.js";

const PROJECT = fileURLToPath(new URL("..", import.meta.url));

test("the example solves a puzzle", NEEDS_FIXTURES, () => {
    const page = readFileSync(join(PROJECT, "core", "README.md"), "utf8");
    const example = /^```js\n(.*?)^```$/ms.exec(page);
    assert.ok(example);
    const folder = mkdtempSync(join(tmpdir(), "trm-edge-"));
    try {
        for (const name of ["core", "node_modules"]) symlinkSync(join(PROJECT, name), join(folder, name));
        const archive = join(/** @type {string} */ (FIXTURES), "bundles", "sudoku-4x4.fp32.onnx-step.zip");
        copyFileSync(archive, join(folder, "sudoku-4x4.zip"));
        writeFileSync(join(folder, "example.mjs"), example[1]);
        const { stdout, stderr } = spawnSync(process.execPath, ["example.mjs"], { cwd: folder, encoding: "utf8" });
        assert.match(stdout, /^step 1, halting logit -?\d+\.\d\d$/m, stderr);
        assert.match(stdout, /^1\d{3}2\d{6}.{5} \d+ true$/m, stderr);
    } finally {
        rmSync(folder, { recursive: true });
    }
});
