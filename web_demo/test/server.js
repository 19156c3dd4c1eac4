/** A plain file server for tests, on a free port of this machine. */

import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { join, normalize } from "node:path";

/**
 * Serve a folder.
 *
 * @param {string} folder
 * @returns {{ url: Promise<string>, close: () => void }}
 */
export function serve(folder) {
    const server = createServer((request, response) => {
        const path = join(folder, normalize(decodeURIComponent(new URL(request.url ?? "/", "http://x").pathname)));
        const file = statSync(path, { throwIfNoEntry: false });
        if (!file?.isFile()) {
            response.writeHead(404).end();
            return;
        }
        response.writeHead(200, { "Content-Length": file.size });
        createReadStream(path).pipe(response);
    });
    const url = new Promise((resolve) => {
        server.listen(0, "127.0.0.1", () => {
            const { port } = /** @type {import("node:net").AddressInfo} */ (server.address());
            resolve(`http://127.0.0.1:${port}`);
        });
    });
    return {
        url,
        close: () => {
            server.closeAllConnections();
            server.close();
        },
    };
}
