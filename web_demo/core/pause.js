/** A pause between two steps, in which a worker or a page reads its messages. */

/**
 * Resolves in a task of its own, sooner than a timer would.
 *
 * @returns {Promise<void>}
 */
export function breathe() {
    return new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => {
            port1.close();
            resolve();
        };
        port2.postMessage(null);
    });
}
