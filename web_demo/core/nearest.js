/**
 * The nearest of a few names, as Python's `difflib.get_close_matches(given, names, n=1)` finds it (Ratcliff and
 * Obershelp's measure), so that every language guesses alike. Knows nothing of what the names mean.
 */

const CUTOFF = 0.6;

/**
 * @param {string} given
 * @param {readonly string[]} names
 * @returns {string | null} the most similar name, null if none is similar enough; of equals the last in the alphabet
 */
export function closest(given, names) {
    const wanted = [...given];
    /** @type {{ name: string, score: number } | null} */
    let best = null;
    for (const name of names) {
        const letters = [...name];
        const score = (2 * matches(letters, wanted)) / (letters.length + wanted.length || 1);
        if (score < CUTOFF) continue;
        if (best === null || score > best.score || (score === best.score && name > best.name)) best = { name, score };
    }
    return best && best.name;
}

/**
 * Letters in the longest common run, and in those left and right of it.
 *
 * @param {string[]} a
 * @param {string[]} b
 * @returns {number}
 */
function matches(a, b) {
    let size = 0;
    let [i, j] = [0, 0];
    for (let first = 0; first < a.length; first++) {
        for (let second = 0; second < b.length; second++) {
            let run = 0;
            while (first + run < a.length && second + run < b.length && a[first + run] === b[second + run]) run++;
            if (run > size) [i, j, size] = [first, second, run];
        }
    }
    if (size === 0) return 0;
    return size + matches(a.slice(0, i), b.slice(0, j)) + matches(a.slice(i + size), b.slice(j + size));
}
