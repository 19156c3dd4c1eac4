/** Changes to a JSON document by pointers (RFC 6901), as the vectors of refusals describe them. */

/**
 * A changed copy of `base`: `set` maps pointers to values, then `remove` lists pointers.
 *
 * @param {any} base plain data
 * @param {{ set?: Record<string, any>, remove?: string[] }} change
 */
export function changed(base, { set = {}, remove = [] }) {
    const document = structuredClone(base);
    for (const [pointer, value] of Object.entries(set)) {
        const [parent, key] = target(document, pointer);
        parent[key] = structuredClone(value);
    }
    for (const pointer of remove) {
        const [parent, key] = target(document, pointer);
        if (Array.isArray(parent)) parent.splice(Number(key), 1);
        else delete parent[key];
    }
    return document;
}

/** @param {any} document @param {string} pointer @returns {[any, string]} */
function target(document, pointer) {
    const keys = pointer
        .split("/")
        .slice(1)
        .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = /** @type {string} */ (keys.pop());
    return [keys.reduce((parent, key) => parent[key], document), last];
}
