package edge.trm.json;

import edge.trm.text.Show;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Standard JSON, strictly: no NaN, no comments, no other leniency; nesting and the length of whole numbers end
 * somewhere, so that a hostile text does no harm. Knows nothing about what the documents mean.
 *
 * <p>Values: {@code LinkedHashMap<String, Object>}, {@code ArrayList<Object>}, {@code String}, {@code Boolean}, null;
 * whole numbers as {@code Long} or, beyond it, {@code BigInteger}; what has a fraction or an exponent as {@code Double}
 * (possibly infinite). Of equal names in an object the last counts, as in Python and JavaScript.
 */
public final class Json {
    /** How deep arrays and objects may be nested. */
    public static final int MAX_DEPTH = 900;

    private static final int MAX_DIGITS = 4300;

    private final String text;
    private int at;

    private Json(String text) {
        this.text = text;
    }

    /**
     * Reads one value that takes up the whole text.
     *
     * @throws InvalidJson if it is not JSON
     */
    public static Object parse(String text) throws InvalidJson {
        Json reader = new Json(text);
        reader.skipSpace();
        Object value = reader.value(0);
        reader.skipSpace();
        if (reader.at < text.length()) {
            throw reader.wrong("Extra data");
        }
        return value;
    }

    /** Writes a value on one line, ASCII only, {@code ", "} and {@code ": "} between. */
    public static String write(Object value) {
        StringBuilder out = new StringBuilder();
        write(value, out);
        return out.toString();
    }

    // -- reading -----------------------------------------------------------------------------
    private Object value(int depth) throws InvalidJson {
        if (at >= text.length()) {
            throw wrong("Expecting value");
        }
        char first = text.charAt(at);
        switch (first) {
            case '{':
                return object(depth + 1);
            case '[':
                return array(depth + 1);
            case '"':
                at++;
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object(int depth) throws InvalidJson {
        checkDepth(depth);
        Map<String, Object> object = new LinkedHashMap<String, Object>();
        at++;
        skipSpace();
        if (peek('}')) {
            at++;
            return object;
        }
        while (true) {
            if (!peek('"')) {
                throw wrong("Expecting property name enclosed in double quotes");
            }
            at++;
            String name = string();
            skipSpace();
            if (!peek(':')) {
                throw wrong("Expecting ':' delimiter");
            }
            at++;
            skipSpace();
            object.put(name, value(depth));
            skipSpace();
            if (peek('}')) {
                at++;
                return object;
            }
            if (!peek(',')) {
                throw wrong("Expecting ',' delimiter");
            }
            at++;
            skipSpace();
        }
    }

    private List<Object> array(int depth) throws InvalidJson {
        checkDepth(depth);
        List<Object> array = new ArrayList<Object>();
        at++;
        skipSpace();
        if (peek(']')) {
            at++;
            return array;
        }
        while (true) {
            array.add(value(depth));
            skipSpace();
            if (peek(']')) {
                at++;
                return array;
            }
            if (!peek(',')) {
                throw wrong("Expecting ',' delimiter");
            }
            at++;
            skipSpace();
        }
    }

    private String string() throws InvalidJson {
        int quote = at - 1;
        StringBuilder found = new StringBuilder();
        while (true) {
            if (at >= text.length()) {
                at = quote;
                throw wrong("Unterminated string starting at");
            }
            char c = text.charAt(at++);
            if (c == '"') {
                return found.toString();
            }
            if (c < ' ') {
                at--;
                throw wrong("Invalid control character at");
            }
            found.append(c == '\\' ? escaped() : c);
        }
    }

    private char escaped() throws InvalidJson {
        char c = at < text.length() ? text.charAt(at++) : 0;
        switch (c) {
            case '"':
            case '\\':
            case '/':
                return c;
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                return unit();
            default:
                at--;
                throw wrong("Invalid \\escape");
        }
    }

    private char unit() throws InvalidJson {
        int value = 0;
        for (int i = 0; i < 4; i++, at++) {
            char c = at < text.length() ? text.charAt(at) : 0;
            int digit = c < 128 ? Character.digit(c, 16) : -1;
            if (digit < 0) {
                throw wrong("Invalid \\uXXXX escape");
            }
            value = value * 16 + digit;
        }
        return (char) value;
    }

    private Object word(String word, Object value) throws InvalidJson {
        if (!text.startsWith(word, at)) {
            throw wrong("Expecting value");
        }
        at += word.length();
        return value;
    }

    private Object number() throws InvalidJson {
        int start = at;
        int end = text.charAt(at) == '-' ? at + 1 : at;
        int digits = digits(end);
        if (digits == 0) {
            throw wrong("Expecting value");
        }
        end += text.charAt(end) == '0' ? 1 : digits; // a zero ends the whole part
        int whole = end;
        if (end < text.length() && text.charAt(end) == '.' && digits(end + 1) > 0) {
            end += 1 + digits(end + 1);
        }
        if (end < text.length() && (text.charAt(end) == 'e' || text.charAt(end) == 'E')) {
            int exponent = end + 1;
            if (exponent < text.length() && (text.charAt(exponent) == '+' || text.charAt(exponent) == '-')) {
                exponent++;
            }
            end = digits(exponent) > 0 ? exponent + digits(exponent) : end;
        }
        String found = text.substring(start, end);
        at = end;
        if (end > whole) {
            return Double.valueOf(found);
        }
        if (found.length() <= 18) {
            return Long.valueOf(found);
        }
        if (digits > MAX_DIGITS) {
            at = start;
            throw wrong("A whole number of more than " + MAX_DIGITS + " digits", true);
        }
        BigInteger big = new BigInteger(found);
        return big.bitLength() < 64 ? (Object) big.longValue() : big;
    }

    private int digits(int from) {
        int end = from;
        while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
            end++;
        }
        return end - from;
    }

    private void skipSpace() {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c != ' ' && c != '\t' && c != '\n' && c != '\r') {
                return;
            }
            at++;
        }
    }

    private boolean peek(char c) {
        return at < text.length() && text.charAt(at) == c;
    }

    private void checkDepth(int depth) throws InvalidJson {
        if (depth > MAX_DEPTH) {
            throw wrong("Nested more than " + MAX_DEPTH + " deep", true);
        }
    }

    private InvalidJson wrong(String what) {
        return wrong(what, false);
    }

    private InvalidJson wrong(String what, boolean beyondLimits) {
        int line = 1;
        int begin = 0;
        for (int i = 0; i < at && i < text.length(); i++) {
            if (text.charAt(i) == '\n') {
                line++;
                begin = i + 1;
            }
        }
        int place = text.codePointCount(0, Math.min(at, text.length())); // in characters, not in UTF-16
        int column = text.codePointCount(begin, Math.min(at, text.length())) + 1;
        return new InvalidJson(what, line, column, place, beyondLimits);
    }

    // -- writing -----------------------------------------------------------------------------
    private static void write(Object value, StringBuilder out) {
        if (value instanceof Map) {
            String between = "{";
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                out.append(between);
                write(String.valueOf(entry.getKey()), out);
                out.append(": ");
                write(entry.getValue(), out);
                between = ", ";
            }
            out.append(between.equals("{") ? "{}" : "}");
        } else if (value instanceof Iterable) {
            String between = "[";
            for (Object item : (Iterable<?>) value) {
                out.append(between);
                write(item, out);
                between = ", ";
            }
            out.append(between.equals("[") ? "[]" : "]");
        } else if (value instanceof String) {
            write((String) value, out);
        } else if (value instanceof Double || value instanceof Float) {
            double number = ((Number) value).doubleValue();
            boolean infinite = Double.isInfinite(number);
            String words = number > 0 ? "Infinity" : "-Infinity"; // only shown in messages
            out.append(Double.isNaN(number) ? "NaN" : infinite ? words : Show.number(number));
        } else {
            out.append(value); // null, true, false, whole numbers
        }
    }

    private static void write(String value, StringBuilder out) {
        out.append('"');
        for (int i = 0; i < value.length(); i++) {
            char c = value.charAt(i);
            int known = "\"\\\b\f\n\r\t".indexOf(c);
            if (known >= 0) {
                out.append('\\').append("\"\\bfnrt".charAt(known));
            } else if (c < ' ' || c > '~') {
                String hex = Integer.toHexString(c);
                out.append("\\u").append("0000".substring(hex.length())).append(hex);
            } else {
                out.append(c);
            }
        }
        out.append('"');
    }
}
