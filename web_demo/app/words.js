/** Numbers as people read them. Knows no element of the page. */

/**
 * @param {number} count
 * @param {string} noun in the singular; an s makes the plural
 */
export function counted(count, noun) {
    return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/** @param {number} bytes */
export function size(bytes) {
    if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
    return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** @param {number} value milliseconds */
export function milliseconds(value) {
    if (value >= 1e4) return `${(value / 1e3).toFixed(1)} s`;
    if (value >= 100) return `${value.toFixed(0)} ms`;
    return `${value.toFixed(value >= 10 ? 1 : 2)} ms`;
}

/** The chance that a logit stands for, 0 to 1.  @param {number} logit */
export function probability(logit) {
    return 1 / (1 + Math.exp(-logit));
}

/** @param {number} logit */
export function percent(logit) {
    const value = 100 * probability(logit);
    if (value > 99.9 && value < 100) return "> 99.9 %";
    if (value > 0 && value < 0.1) return "< 0.1 %";
    return `${value.toFixed(1)} %`;
}

/** What an error has to say, in one line.  @param {unknown} error */
export function complaint(error) {
    return error instanceof Error ? error.message : String(error);
}
