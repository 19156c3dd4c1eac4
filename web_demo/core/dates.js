/** Dates and times as Python's `datetime.fromisoformat` takes them (3.11 and newer). Knows the calendar only. */

const DATE = /^(\d{4})(?:-(\d\d)-(\d\d)|(\d\d)(\d\d)|(-?)W(\d\d)(?:(-?)(\d))?)/;
const TIME = /^(\d\d)(?:(:?)(\d\d)(?:\2(\d\d)(?:[.,]\d+)?)?)?$/;

/**
 * Whether a text is an ISO 8601 date or time.
 *
 * @param {string} text
 */
export function isIsoDate(text) {
    const date = DATE.exec(text);
    if (date === null || !isDay(date)) return false;
    const rest = text.slice(date[0].length);
    if (rest === "") return true;
    const separator = String.fromCodePoint(/** @type {number} */ (rest.codePointAt(0)));
    return isTime(rest.slice(separator.length));
}

/** @param {RegExpExecArray} date */
function isDay(date) {
    const year = Number(date[1]);
    if (year < 1) return false;
    if (date[7] !== undefined) {
        if (date[8] !== undefined && date[8] !== date[6]) return false; // hyphens everywhere or nowhere
        const week = Number(date[7]);
        return week >= 1 && week <= weeks(year) && /^[1-7]$/.test(date[9] ?? "1");
    }
    const month = Number(date[2] ?? date[4]);
    const day = Number(date[3] ?? date[5]);
    const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
    const days = [31, leap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    return month >= 1 && month <= 12 && day >= 1 && day <= days[month - 1];
}

/** Weeks of an ISO year: 53 if it begins or ends on a Thursday.  @param {number} year */
function weeks(year) {
    const weekday = (/** @type {number} */ y) => {
        const date = new Date(0);
        date.setUTCFullYear(y, 11, 31);
        return date.getUTCDay();
    };
    return weekday(year) === 4 || weekday(year - 1) === 3 ? 53 : 52;
}

/** @param {string} text */
function isTime(text) {
    const zone = /(?:Z|[+-](.*))$/.exec(text);
    const clock = zone === null ? text : text.slice(0, zone.index);
    return isClock(clock) && (zone === null || zone[1] === undefined || isClock(zone[1]));
}

/** @param {string} text */
function isClock(text) {
    const time = TIME.exec(text);
    return time !== null && Number(time[1]) < 24 && Number(time[3] ?? 0) < 60 && Number(time[4] ?? 0) < 60;
}
