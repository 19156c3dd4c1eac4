package edge.trm.bundle;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** ISO 8601 dates and times, as Python's {@code datetime.fromisoformat} takes them; only whether they are some. */
final class IsoDate {
    private static final Pattern DAY =
            Pattern.compile("([0-9]{4})(?:-([0-9]{2})-([0-9]{2})|([0-9]{2})([0-9]{2}))");
    private static final Pattern WEEK = Pattern.compile("([0-9]{4})(?:-W([0-9]{2})(?:-([0-9]))?|W([0-9]{2})([0-9])?)");
    private static final String CLOCK = "([0-9]{2})(?:(:?)([0-9]{2})(?:\\2([0-9]{2})(?:[.,][0-9]+)?)?)?";
    private static final Pattern TIME = Pattern.compile(CLOCK + "(?:Z|[+-](.*))?");
    private static final Pattern OFFSET = Pattern.compile(CLOCK);

    private IsoDate() {}

    static boolean isDate(String text) {
        for (int end : new int[] {10, 8, 7}) { // 2026-11-24, 20261124 or 2026-W48, 2026W48
            if (text.length() >= end && isDay(text.substring(0, end))) {
                if (text.length() == end) {
                    return true;
                }
                int separator = Character.charCount(text.codePointAt(end));
                if (isTime(text.substring(end + separator))) {
                    return true;
                }
            }
        }
        return false;
    }

    private static boolean isDay(String text) {
        Matcher day = DAY.matcher(text);
        if (day.matches()) {
            int month = number(day.group(2), day.group(4));
            int last = month < 1 || month > 12 ? 0 : days(Integer.parseInt(day.group(1)), month);
            int number = number(day.group(3), day.group(5));
            return !day.group(1).equals("0000") && number >= 1 && number <= last;
        }
        Matcher week = WEEK.matcher(text);
        if (!week.matches() || week.group(1).equals("0000")) {
            return false;
        }
        int number = number(week.group(2), week.group(4));
        String weekday = week.group(3) != null ? week.group(3) : week.group(5);
        int day1 = weekday == null ? 1 : Integer.parseInt(weekday);
        return number >= 1 && number <= weeks(Integer.parseInt(week.group(1))) && day1 >= 1 && day1 <= 7;
    }

    private static boolean isTime(String text) {
        Matcher time = TIME.matcher(text);
        if (!time.matches() || !isClock(time)) {
            return false;
        }
        if (time.group(5) == null) {
            return true;
        }
        Matcher offset = OFFSET.matcher(time.group(5));
        return offset.matches() && isClock(offset);
    }

    private static boolean isClock(Matcher clock) {
        return Integer.parseInt(clock.group(1)) < 24
                && (clock.group(3) == null || Integer.parseInt(clock.group(3)) < 60)
                && (clock.group(4) == null || Integer.parseInt(clock.group(4)) < 60);
    }

    private static int number(String one, String other) {
        return Integer.parseInt(one != null ? one : other);
    }

    private static int days(int year, int month) {
        if (month == 2) {
            return isLeap(year) ? 29 : 28;
        }
        return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
    }

    private static boolean isLeap(int year) {
        return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    }

    private static int weeks(int year) {
        int before = year - 1;
        int first = (before * 365 + before / 4 - before / 100 + before / 400) % 7; // weekday of 1 January, 0 is Monday
        return first == 3 || (first == 2 && isLeap(year)) ? 53 : 52;
    }
}
