/** Reading bundles from archives, chosen files and a server. More is refused in replay.test.js. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { readFiles, readFolder, readZip } from "../core/bundle.js";
import { TrmEdgeError } from "../core/errors.js";
import { tinyBundle } from "./tiny.js";
import { refuses } from "./vectors.js";
import { zip } from "./zips.js";

const files = tinyBundle();
const toFiles = (/** @type {Record<string, Uint8Array>} */ given) =>
    Object.entries(given).map(([name, bytes]) => new File([/** @type {any} */ (bytes)], name));
const changedModel = { ...files, "model.onnx": files["model.onnx"].with(7, 0) };
const { "golden.json": _, ...withoutGolden } = files;

/** Answer fetches from `given` while `work` runs.
 * @param {Record<string, Uint8Array>} given @param {() => Promise<void>} work
 * @param {number} [missing] status of others */
async function online(given, work, missing = 404) {
    const { fetch } = globalThis;
    globalThis.fetch = async (url) => {
        const bytes = given[String(url).split("/").pop() ?? ""];
        return bytes ? new Response(/** @type {any} */ (bytes)) : new Response("no", { status: missing });
    };
    try {
        await work();
    } finally {
        globalThis.fetch = fetch;
    }
}

for (const options of [
    {},
    { deflated: true },
    { wide: true },
    { wide: true, deflated: true },
    { before: files["model.onnx"] },
]) {
    test(`an archive: ${JSON.stringify(Object.keys(options))}`, async () => {
        const bundle = await readZip(zip(files, options), "tiny.zip");
        assert.deepEqual(bundle.model(), files["model.onnx"]);
        assert.equal(bundle.card(), "# A model\n");
        assert.equal(bundle.golden().tokens.length, 2);
        const changed = zip(changedModel, options);
        await refuses("'model.onnx' in 'tiny.zip' does not match its SHA-256", () => readZip(changed, "tiny.zip"));
    });
}

test("any byte of an archive may be wrong: it is refused in one line, or read right all the same", async () => {
    const whole = new Uint8Array(await zip(withoutGolden).arrayBuffer());
    for (let at = 0; at < whole.length; at += 13) {
        for (const value of [0, 255, whole[at] ^ 1]) {
            try {
                const bundle = await readZip(new Blob([whole.with(at, value)]), "tiny.zip");
                assert.deepEqual(bundle.model(), files["model.onnx"]);
            } catch (error) {
                assert.ok(error instanceof TrmEdgeError, `byte ${at}: ${error}`);
                assert.ok(!error.message.includes("\n"));
            }
        }
    }
});

test("a manifest that was changed within an archive is noticed", async () => {
    const whole = Buffer.from(await zip(files).arrayBuffer());
    const changed = whole.toString("latin1").replace("tiny step", "tiny stop");
    await refuses("Bad CRC-32 for file 'manifest.json'", () =>
        readZip(new Blob([Buffer.from(changed, "latin1")]), "tiny.zip"),
    );
});

test("an archive may be cut anywhere", async () => {
    const whole = zip(files, { wide: true });
    for (let size = 0; size < whole.size; size += 97) {
        await assert.rejects(readZip(whole.slice(0, size), "tiny.zip"), TrmEdgeError);
    }
});

test("chosen files, in a folder or not", async () => {
    assert.deepEqual((await readFiles(toFiles(files))).model(), files["model.onnx"]);
    const inFolder = toFiles(files).map((file) =>
        Object.defineProperty(file, "webkitRelativePath", { value: `tiny/${file.name}` }),
    );
    assert.equal((await readFiles(inFolder)).manifest.name, "tiny step");
    await refuses("holds 'more.bin', which its manifest does not list", () =>
        readFiles(toFiles({ ...files, "more.bin": files["model.onnx"] })),
    );
    await refuses("lacks 'golden.json'", () => readFiles(toFiles(withoutGolden)));
    await refuses("is 5001 bytes, its manifest says 5000", () =>
        readFiles(toFiles({ ...files, "model.onnx": new Uint8Array(5001) })),
    );
    await refuses("it has no manifest.json", () => readFiles([]));
});

test("a folder on a server", async () => {
    await online(files, async () => {
        assert.deepEqual((await readFolder("bundles/tiny")).model(), files["model.onnx"]);
        assert.deepEqual((await readFolder("bundles/tiny/")).bytes, 5000 + files["golden.json"].length + 10);
    });
    await online(changedModel, () => refuses("does not match its SHA-256", () => readFolder("x")));
    await online(withoutGolden, () => refuses("lacks 'golden.json'", () => readFolder("x")));
    await online({}, () => refuses("'x' is not a bundle: it has no manifest.json", () => readFolder("x")));
    await online({}, () => refuses("Cannot read 'x/manifest.json': the server said 500", () => readFolder("x")), 500);
});

test("of a server's file no more is read than the manifest states", async () => {
    let [pulled, cancelled] = [0, false];
    const endless = () =>
        new Response(
            new ReadableStream({
                pull: (controller) => {
                    pulled += 4096;
                    controller.enqueue(new Uint8Array(4096));
                },
                cancel: () => void (cancelled = true),
            }),
        );
    const { fetch } = globalThis;
    globalThis.fetch = async (url) =>
        String(url).endsWith("model.onnx") ? endless() : new Response(/** @type {any} */ (files["manifest.json"]));
    try {
        await refuses("is 5001 bytes, its manifest says 5000", () => readFolder("x"));
    } finally {
        globalThis.fetch = fetch;
    }
    assert.ok(cancelled, "the rest is still asked for");
    assert.ok(pulled < 64 * 1024, `${pulled} bytes were read`);
});

test("a closed bundle has no graph to give", async () => {
    const bundle = await readFiles(toFiles(files));
    bundle.close();
    await refuses("was closed", () => bundle.model());
    await refuses("holds no golden.json", () => bundle.golden());
});
