/** What a browser tells of the machine it runs on: flat facts for a profile. Knows no bundle. */

/**
 * @returns {Record<string, string | number | boolean>} `os` (browser and system), `cores`, `isolated`, perhaps
 *     `memory_gib`, which browsers round
 */
export function machineFacts() {
    const {
        userAgent = "",
        userAgentData,
        hardwareConcurrency,
        deviceMemory,
    } = /** @type {any} */ (globalThis.navigator ?? {});
    const brands = userAgentData?.brands?.filter((/** @type {any} */ one) => !/not.?a.?brand/i.test(one.brand)) ?? [];
    const named = brands.find((/** @type {any} */ one) => one.brand !== "Chromium") ?? brands[0];
    const browser = named ? `${named.brand} ${named.version} on ${userAgentData.platform || "unknown"}` : userAgent;
    return {
        os: printable(browser) || "unknown",
        ...(hardwareConcurrency ? { cores: hardwareConcurrency } : {}),
        ...(deviceMemory ? { memory_gib: deviceMemory } : {}),
        isolated: globalThis.crossOriginIsolated === true,
    };
}

/** @param {string} text */
function printable(text) {
    return text.replace(/[^\x20-\x7e]/g, "").slice(0, 200);
}
