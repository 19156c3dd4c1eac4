/**
 * The page and its service worker (sw.js): isolation on hosts that send no headers, and what can be said of use
 * offline. Knows nothing of puzzles.
 */

import { complaint, size } from "./words.js";

const PATIENCE = 3000; // milliseconds for the service worker to take over
const TRIED = "trm-edge-isolated";

/**
 * Threads need a page that is isolated from others, by headers. Where the host does not send them the service worker
 * does, from the next load on: so load once more, before anything has been done.
 *
 * @returns {Promise<boolean>} whether the page is about to load again
 */
export async function loadsAgain() {
    if (globalThis.crossOriginIsolated || !navigator.serviceWorker || tried()) return false;
    if (navigator.serviceWorker.controller) return false; // loaded around it, by a forced reload
    try {
        await register();
        await Promise.race([controlled(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
        if (!navigator.serviceWorker.controller) return false;
        sessionStorage.setItem(TRIED, "yes");
    } catch {
        return false; // keepOffline says why
    }
    location.reload();
    return true;
}

/**
 * Keep the page for use offline, and say how far that is.
 *
 * @param {(line: string) => void} say
 */
export async function keepOffline(say) {
    if (!navigator.serviceWorker) {
        say(
            globalThis.isSecureContext
                ? "Offline use is not possible: this browser has no service workers."
                : "Offline use is not possible: the page must come over https or from this machine.",
        );
        return;
    }
    try {
        const worker = await active(await register());
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => {
            if (data.kept) say("Works offline.");
            else if (data.failed) say(`Offline use is not possible: ${data.failed}.`);
            else say(`Keeping the page for use offline: ${size(data.done)} of ${size(data.total)} …`);
        };
        worker.postMessage({ kind: "keep" }, [port2]);
    } catch (error) {
        say(`Offline use is not possible: ${complaint(error)}.`);
    }
}

/**
 * The service worker, when it works. Unlike `serviceWorker.ready` this ends where none will.
 *
 * @param {ServiceWorkerRegistration | undefined} registration
 * @returns {Promise<ServiceWorker>}
 */
async function active(registration) {
    const worker = registration?.active ?? registration?.waiting ?? registration?.installing;
    if (!worker) throw new Error("the browser lets no service worker in");
    return new Promise((resolve, reject) => {
        const look = () => {
            if (worker.state === "activated") resolve(worker);
            if (worker.state === "redundant") reject(new Error("the service worker could not be installed"));
        };
        worker.addEventListener("statechange", look);
        look();
    });
}

function register() {
    return navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
}

/** @returns {Promise<void>} */
function controlled() {
    return new Promise((resolve) => {
        if (navigator.serviceWorker.controller) resolve();
        else navigator.serviceWorker.addEventListener("controllerchange", () => resolve(), { once: true });
    });
}

function tried() {
    try {
        return sessionStorage.getItem(TRIED) !== null;
    } catch {
        return true; // no storage, so nothing could stop it from loading again and again
    }
}
