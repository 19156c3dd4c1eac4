package edge.trm.text;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.List;
import java.util.Map;

/**
 * How values are shown in messages: the same words and quotes as the Python tools, so that one list of cases tells
 * what every reader must say. Knows nothing about bundles or puzzles.
 */
public final class Show {
    private static final int REPR_DIGITS = 17;
    private static final int FIRST_EXPONENT = 16;

    private Show() {}

    /** A text in quotes, everything that cannot be printed escaped: {@code 'a'}, {@code "it's"}, {@code '\n'}. */
    public static String quoted(String text) {
        char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
        StringBuilder shown = new StringBuilder().append(quote);
        for (int at = 0; at < text.length(); ) {
            int character = text.codePointAt(at);
            at += Character.charCount(character);
            if (character == quote || character == '\\') {
                shown.append('\\').appendCodePoint(character);
            } else if (character == '\n') {
                shown.append("\\n");
            } else if (character == '\r') {
                shown.append("\\r");
            } else if (character == '\t') {
                shown.append("\\t");
            } else if (isPrintable(character)) {
                shown.appendCodePoint(character);
            } else if (character < 0x100) {
                shown.append("\\x").append(hex(character, 2));
            } else if (character < 0x10000) {
                shown.append("\\u").append(hex(character, 4));
            } else {
                shown.append("\\U").append(hex(character, 8));
            }
        }
        return shown.append(quote).toString();
    }

    /** Whether a code point is a letter, mark, number, punctuation, symbol, or the plain space. */
    public static boolean isPrintable(int character) {
        switch (Character.getType(character)) {
            case Character.CONTROL:
            case Character.FORMAT:
            case Character.SURROGATE:
            case Character.PRIVATE_USE:
            case Character.UNASSIGNED:
            case Character.LINE_SEPARATOR:
            case Character.PARAGRAPH_SEPARATOR:
                return false;
            case Character.SPACE_SEPARATOR:
                return character == ' ';
            default:
                return true;
        }
    }

    /** Whether every character of a text can be printed. */
    public static boolean isPrintable(String text) {
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            if (!isPrintable(text.codePointAt(at))) {
                return false;
            }
        }
        return true;
    }

    /** The first {@code count} characters (code points) of a text. */
    public static String cut(String text, int count) {
        return text.codePointCount(0, text.length()) <= count
                ? text
                : text.substring(0, text.offsetByCodePoints(0, count));
    }

    /** The shortest decimal that reads as this number: {@code 0.1}, {@code 1e-05}, {@code 1e+16}, {@code 2.0}. */
    public static String number(double value) {
        if (Double.isNaN(value)) {
            return "nan";
        }
        if (Double.isInfinite(value)) {
            return value > 0 ? "inf" : "-inf";
        }
        String sign = value < 0 || 1 / value < 0 ? "-" : "";
        if (value == 0) {
            return sign + "0.0";
        }
        BigDecimal exact = new BigDecimal(Math.abs(value));
        BigDecimal shortest = exact;
        for (int digits = 1; digits <= REPR_DIGITS; digits++) {
            shortest = exact.round(new MathContext(digits, RoundingMode.HALF_EVEN));
            if (shortest.doubleValue() == Math.abs(value)) {
                break;
            }
        }
        shortest = shortest.stripTrailingZeros();
        String digits = shortest.unscaledValue().toString();
        int exponent = digits.length() - shortest.scale() - 1; // of the first digit
        if (exponent < -4 || exponent >= FIRST_EXPONENT) {
            String rest = digits.length() > 1 ? "." + digits.substring(1) : "";
            String size = Math.abs(exponent) < 10 ? "0" + Math.abs(exponent) : "" + Math.abs(exponent);
            return sign + digits.charAt(0) + rest + "e" + (exponent < 0 ? "-" : "+") + size;
        }
        if (exponent < 0) {
            return sign + "0." + zeros(-exponent - 1) + digits;
        }
        if (digits.length() <= exponent + 1) {
            return sign + digits + zeros(exponent + 1 - digits.length()) + ".0";
        }
        return sign + digits.substring(0, exponent + 1) + "." + digits.substring(exponent + 1);
    }

    /** A value as parsed from JSON, in Python's words: {@code 'a'}, {@code 1.5}, {@code True}, {@code None}. */
    public static String value(Object value) {
        if (value instanceof String) {
            return quoted((String) value);
        }
        if (value instanceof Double) {
            return number((Double) value);
        }
        if (value instanceof Boolean) {
            return (Boolean) value ? "True" : "False";
        }
        if (value instanceof List) {
            StringBuilder shown = new StringBuilder("[");
            for (Object item : (List<?>) value) {
                shown.append(shown.length() > 1 ? ", " : "").append(value(item));
            }
            return shown.append("]").toString();
        }
        if (value instanceof Map) {
            StringBuilder shown = new StringBuilder("{");
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                shown.append(shown.length() > 1 ? ", " : "").append(value(entry.getKey())).append(": ");
                shown.append(value(entry.getValue()));
            }
            return shown.append("}").toString();
        }
        return value == null ? "None" : value.toString();
    }

    /** Sizes between brackets: {@code [1, 16]}. */
    public static String list(int[] values) {
        StringBuilder shown = new StringBuilder("[");
        for (int value : values) {
            shown.append(shown.length() > 1 ? ", " : "").append(value);
        }
        return shown.append("]").toString();
    }

    /** Texts with {@code ", "} between. */
    public static String joined(Iterable<?> values) {
        StringBuilder shown = new StringBuilder();
        for (Object value : values) {
            shown.append(shown.length() > 0 ? ", " : "").append(value);
        }
        return shown.toString();
    }

    /** What an exception says, on one line of at most 300 characters. */
    public static String oneLine(Throwable error) {
        String text = error.getMessage() == null ? error.getClass().getSimpleName() : error.getMessage();
        return cut(text.trim().replaceAll("\\s+", " "), 300);
    }

    private static String zeros(int count) {
        StringBuilder zeros = new StringBuilder();
        for (int i = 0; i < count; i++) {
            zeros.append('0');
        }
        return zeros.toString();
    }

    private static String hex(int value, int digits) {
        String hex = Integer.toHexString(value);
        return zeros(digits - hex.length()) + hex;
    }
}
