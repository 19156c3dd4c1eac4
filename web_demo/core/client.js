/**
 * The page's side of `worker.js`: requests as promises, what comes on the way as callbacks. Knows the protocol that is
 * described there, and nothing of what the answers mean.
 */

export class WorkerError extends Error {
    /** @param {string} name kind of error, see worker.js  @param {string} message one line for people */
    constructor(name, message) {
        super(message);
        this.name = name;
    }
}

export class Client {
    #last = 0;
    /** @typedef {(content: any) => void} Told */
    /** @type {Map<number, { resolve: Told, reject: (error: Error) => void, on: Told }>} */
    #open = new Map();

    /** @param {Worker} worker a worker that runs worker.js; this takes it over, `terminate()` ends it */
    constructor(worker) {
        this.worker = worker;
        worker.addEventListener("message", ({ data }) => this.#take(data));
        worker.addEventListener("error", (event) => this.#fail(event.message || "the worker could not be started"));
    }

    /**
     * Send a request. `request.id` may be read from the promise's `id`, for `stop`.
     *
     * @param {string} kind see worker.js
     * @param {object} [content] its fields
     * @param {(event: any) => void} [on] is told what comes before the end: steps, solutions, progress
     * @returns {Promise<any> & { id: number }} the last answer; rejects with a WorkerError
     */
    request(kind, content = {}, on = () => {}) {
        const id = ++this.#last;
        const promise = new Promise((resolve, reject) => {
            this.#open.set(id, { resolve, reject, on });
            this.worker.postMessage({ ...content, id, kind });
        });
        return Object.assign(promise, { id });
    }

    /** @param {number} target id of the request to end */
    stop(target) {
        return this.request("stop", { target });
    }

    terminate() {
        this.worker.terminate();
        this.#fail("the worker was ended");
    }

    /** @param {any} answer */
    #take(answer) {
        const open = this.#open.get(answer.id);
        if (!open) return;
        if (["step", "solution", "progress"].includes(answer.kind)) {
            open.on(answer);
            return;
        }
        this.#open.delete(answer.id);
        if (answer.kind === "error") open.reject(new WorkerError(answer.name, answer.message));
        else open.resolve(answer);
    }

    /** @param {string} reason */
    #fail(reason) {
        for (const { reject } of this.#open.values()) reject(new WorkerError("Error", reason));
        this.#open.clear();
    }
}
