/*
 * The service worker: keeps the page for use offline, and adds the headers that a plain file host does not send.
 * Knows files.json, the list of everything that belongs to the page with its SHA-256, and nothing of what the files are.
 *
 * What is kept is a whole version or nothing: all files are fetched and checked into a cache of their own, and only
 * then does it take the place of the one before. On every visit files.json is asked for again; while it names another
 * version than the one that is kept, the network answers first and the cache only where the network fails.
 *
 * The page starts the keeping, after it has been painted: postMessage({ kind: "keep" }, [port]). The port is told
 * { done, total } in bytes and in the end { kept: version } or { failed: "one line" }. Installing fetches nothing, so
 * that it cannot fail.
 */

const PREFIX = "trm-edge-";
const STATE = "trm-edge-state"; // a cache with one entry: what is kept
const STATE_KEY = "state.json";
const LIST = "files.json";
const MAX_LIST_BYTES = 4 * 1024 * 1024;
const PATIENCE = 2500; // milliseconds that a visit waits to hear of a new version
const HEADERS = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; style-src 'self'; img-src 'self'; " +
        "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
};

/** What is kept: { version, files: { path: { sha256, bytes } }, stale }, null: nothing. Undefined: not looked up yet. */
let kept;
let keeping = null; // the keeping that goes on

class Unreachable extends Error {
    constructor(path) {
        super(`${path} could not be fetched: the host does not answer`);
    }
}

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
    const { request } = event;
    if (request.method !== "GET" || !request.url.startsWith(self.registration.scope)) return;
    if (request.cache === "only-if-cached" && request.mode !== "same-origin") return;
    event.respondWith(answer(request));
});

self.addEventListener("message", (event) => {
    if (event.data?.kind !== "keep") return;
    const port = event.ports[0];
    keeping ??= keep((progress) => port?.postMessage(progress)).finally(() => (keeping = null));
    event.waitUntil(
        keeping.then(
            (version) => port?.postMessage({ kept: version }),
            (error) => port?.postMessage({ failed: error.message }),
        ),
    );
});

async function answer(request) {
    const path = pathOf(request.url);
    const state = await lookUp();
    if (request.mode === "navigate" && state) await compare(state);
    const hit = state && Object.hasOwn(state.files, path) ? await find(state, path) : undefined;
    if (hit && !state.stale) return withHeaders(hit);
    try {
        return withHeaders(await fetch(request));
    } catch (error) {
        if (hit) return withHeaders(hit);
        throw error;
    }
}

/** Path of a file below the page's folder, without query. */
function pathOf(url) {
    const path = new URL(url).pathname.slice(new URL(self.registration.scope).pathname.length);
    try {
        return decodeURIComponent(path) || "index.html";
    } catch {
        return path; // no file of the page has such a name
    }
}

function find(state, path) {
    return caches.open(PREFIX + state.version).then((cache) => cache.match(keyOf(path)));
}

function keyOf(path) {
    return new URL(path, self.registration.scope).href;
}

function withHeaders(response) {
    if (response.status === 0 || response.type === "opaqueredirect") return response;
    const headers = new Headers(response.headers);
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value);
    const { status, statusText } = response;
    return new Response([204, 205, 304].includes(status) ? null : response.body, { status, statusText, headers });
}

// -- what is kept -------------------------------------------------------------------------------

async function lookUp() {
    if (kept === undefined) {
        const found = await (await caches.open(STATE)).match(keyOf(STATE_KEY));
        kept = found ? await found.json() : null;
    }
    return kept;
}

async function remember(state) {
    await (await caches.open(STATE)).put(keyOf(STATE_KEY), new Response(JSON.stringify(state)));
    kept = state;
}

/** Whether the host has another version by now; a host that does not answer has not. */
async function compare(state) {
    let version;
    try {
        ({ version } = await list(AbortSignal.timeout(PATIENCE)));
    } catch {
        return;
    }
    const stale = version !== state.version;
    if (stale !== state.stale) await remember(Object.assign(state, { stale }));
}

async function list(signal) {
    let response;
    try {
        response = await fetch(keyOf(LIST), { cache: "no-store", signal });
    } catch {
        throw new Unreachable(LIST);
    }
    if (!response.ok)
        throw new Error(`${LIST} could not be fetched (${response.status}): deploy with trm-edge deploy web`);
    const text = await response.text();
    if (text.length > MAX_LIST_BYTES) throw new Error(`${LIST} has more than ${MAX_LIST_BYTES} bytes: deploy again`);
    let read;
    try {
        read = JSON.parse(text);
    } catch {
        read = null;
    }
    const files = read && typeof read.files === "object" && read.files;
    const whole = files && Object.values(files).every((file) => /^[0-9a-f]{64}$/.test(file?.sha256) && file.bytes >= 0);
    if (!whole || !/^[0-9a-f]{64}$/.test(read.version)) throw new Error(`${LIST} is not a list of files: deploy again`);
    return { version: read.version, files };
}

/** Fetch and check every file of the host's version; returns the version. */
async function keep(tell) {
    const before = await lookUp();
    const found = await list().catch((error) => error);
    if (found instanceof Error) {
        if (found instanceof Unreachable && before) return before.version; // which is in use
        throw found;
    }
    const { version, files } = found;
    if (before?.version === version && !(await missing(before))) {
        if (before.stale) await remember({ ...before, stale: false });
        return version;
    }
    const total = Object.values(files).reduce((sum, file) => sum + file.bytes, 0);
    const cache = await caches.open(PREFIX + version);
    let done = 0;
    for (const [path, file] of Object.entries(files)) {
        tell({ done, total });
        const same = before?.files[path]?.sha256 === file.sha256 ? await find(before, path) : undefined;
        await cache.put(keyOf(path), same ?? (await fetched(path, file)));
        done += file.bytes;
    }
    await remember({ version, files, stale: false });
    for (const name of await caches.keys()) {
        if (name.startsWith(PREFIX) && name !== STATE && name !== PREFIX + version) await caches.delete(name);
    }
    return version;
}

/** Whether the browser has thrown away a file of what is kept. */
async function missing(state) {
    const keys = await (await caches.open(PREFIX + state.version)).keys();
    return keys.length < Object.keys(state.files).length;
}

async function fetched(path, { sha256, bytes }) {
    let response;
    try {
        response = await fetch(keyOf(path), { cache: "no-cache" });
    } catch {
        throw new Unreachable(path);
    }
    if (!response.ok) throw new Error(`${path} could not be fetched (${response.status})`);
    const body = await response.arrayBuffer();
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
    const found = Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
    if (body.byteLength !== bytes || found !== sha256) throw new Error(`${path} is not the file that ${LIST} lists`);
    return new Response(body, { headers: { "Content-Type": response.headers.get("Content-Type") ?? "" } });
}
