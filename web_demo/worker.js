/**
 * A module worker that owns bundle, engine and solver, so that the page never blocks.
 *
 *     const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
 *
 * The page talks to it through `core/client.js`, which turns the messages below into promises and callbacks. Every
 * request has an `id` (a number of the page's choice); every answer carries it. Requests are done one after the other,
 * except `stop`, which acts at once. A request ends with exactly one of the answers marked "end", or with
 *
 *     { id, kind: "error", name, message }      end; `message` is one line for people, `name` the kind of error:
 *                                               InvalidBundle, InvalidPuzzle, InvalidInput, Refused, Stopped, Error
 *
 * requests                                      answers
 *
 * { id, kind: "open", source }                  { kind: "opened", manifest, card, golden, bytes }      end
 *   source: { folder: URL text }                    manifest: as in core/manifest.js, plain data
 *         | { file: File (.zip) }                   card: text of model-card.md or null
 *         | { files: File[] }                       golden: { questions: Grid[], answers: Grid[], puzzleIds,
 *   reads and checks a bundle; no engine yet          haltingSteps, steps } or null: examples and known answers
 *                                                   bytes: of the bundle's files together
 *
 * { id, kind: "start",                          { kind: "started", provider, detail, threads, reasons, seconds }  end
 *   providers?: ["webgpu", "wasm"],                 provider: "webgpu" or "wasm"; threads: of wasm
 *   threads?: number | null }                       reasons: [{ provider, reason }] why those before it, or fewer
 *   loads onnxruntime-web and the graph             threads, were not possible; seconds: the whole of it
 *
 * { id, kind: "solve",                          { kind: "step", puzzle, row, step, answer: Grid, changed: Uint8Array by
 *   puzzles: [{ question: text | Grid,              token, qHalt, milliseconds }  one for each supervision step of each
 *               puzzleId? }],                       puzzle, if steps were asked for (not from a loop graph)
 *   policy?: text | null,                       { kind: "solution", puzzle, answer: Grid, steps, qHalt, halted, solved,
 *   budget?: number | null,                         milliseconds since the request began }  one a puzzle, in order
 *   batch?: number | null, steps?: boolean }    { kind: "solved", count, seconds }                       end
 *   null: the bundle's default. Starts the engine with its defaults if `start` was not called.
 *
 * { id, kind: "profile",                        { kind: "progress", done, total }
 *   puzzles: [{ question, answer?, puzzleId? }],{ kind: "profiled", results, summary }                   end
 *   rounds?: number, budget?, policy?,              results: what `trm-edge profile --import` reads
 *   name?: text, data?: text }                      summary: see core/profile.js
 *
 * { id, kind: "stop", target }                  { kind: "stopping" }                                   end
 *   the request `target` ends after the step it is at, with an error of the name "Stopped"
 *
 * { id, kind: "close" }                         { kind: "closed" }                                     end
 *   frees graph and bundle; another may be opened
 */

import { Service } from "./core/service.js";

/** onnxruntime-web, as `vendor.json` lists its files. */
const VENDOR = new URL("./vendor/", import.meta.url);
const LIBRARY = { wasm: "ort.wasm.min.mjs", webgpu: "ort.webgpu.min.mjs" };

const page = /** @type {Pick<Worker, "postMessage" | "addEventListener">} */ (/** @type {unknown} */ (globalThis));
const service = new Service((message) => page.postMessage(message), load);
page.addEventListener("message", ({ data }) => service.handle(data));

/**
 * The library with one provider in it; its WASM file is loaded when the graph is.
 *
 * @param {"wasm" | "webgpu"} provider
 * @returns {Promise<typeof import("onnxruntime-web")>}
 */
async function load(provider) {
    const ort = await import(new URL(LIBRARY[provider], VENDOR).href);
    ort.env.wasm.wasmPaths = VENDOR.href;
    return ort;
}
