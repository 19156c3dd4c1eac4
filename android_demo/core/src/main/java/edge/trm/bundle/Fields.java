package edge.trm.bundle;

import edge.trm.json.InvalidJson;
import edge.trm.json.Json;
import edge.trm.text.Show;
import edge.trm.text.Unknown;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Typed reading of one object of an untrusted JSON document: every complaint names the document and the field. Fields
 * that nobody asks for are ignored, which is the promise of forward compatibility. Knows nothing about bundles.
 */
final class Fields {
    static final int MAX_TEXT = 1000;
    static final int MAX_INT = Integer.MAX_VALUE;

    private static final BigInteger BEYOND = BigInteger.TEN.pow(300);

    private final Map<String, Object> data;
    private final String document;
    private final String path;

    Fields(Object data, String document, String path) {
        if (!(data instanceof Map)) {
            String where = path.isEmpty() ? "the document" : "field '" + path + "'";
            throw new InvalidBundle(document + ": " + where + " must be an object, not " + shown(data));
        }
        this.data = asObject(data);
        this.document = document;
        this.path = path;
    }

    /** The text as JSON. */
    static Object parse(String text, String document) {
        try {
            return Json.parse(text);
        } catch (InvalidJson error) {
            throw new InvalidBundle(document + " is not valid JSON: " + error.getMessage());
        }
    }

    Object raw(String name) {
        if (!data.containsKey(name)) {
            throw new InvalidBundle(document + ": field '" + path + name + "' is missing");
        }
        return data.get(name);
    }

    boolean has(String name) {
        return data.containsKey(name);
    }

    InvalidBundle refusal(String name, String rule) {
        String given = shown(data.get(name));
        return new InvalidBundle(document + ": field '" + path + name + "' must be " + rule + ", not " + given);
    }

    /** A printable, non-empty line. */
    String text(String name) {
        Object value = raw(name);
        String text = value instanceof String ? (String) value : "";
        if (text.isEmpty() || text.codePointCount(0, text.length()) > MAX_TEXT || !Show.isPrintable(text)) {
            throw refusal(name, "one printable line of 1 to " + MAX_TEXT + " characters");
        }
        return text;
    }

    int integer(String name, int low) {
        return (int) integer(name, low, MAX_INT);
    }

    long integer(String name, long low, long high) {
        Object value = raw(name);
        if (!(value instanceof Long) || (Long) value < low || (Long) value > high) {
            throw refusal(name, "a whole number from " + low + " to " + high);
        }
        return (Long) value;
    }

    double number(String name) {
        Object value = raw(name);
        if (!isNumber(value)) {
            throw refusal(name, "a finite number");
        }
        return ((Number) value).doubleValue();
    }

    double[] numbers(String name) {
        List<Object> values = array(name);
        double[] numbers = new double[values.size()];
        for (int i = 0; i < numbers.length; i++) {
            if (!isNumber(values.get(i))) {
                throw refusal(name, "an array of finite numbers");
            }
            numbers[i] = ((Number) values.get(i)).doubleValue();
        }
        return numbers;
    }

    List<Integer> integers(String name) {
        List<Integer> numbers = new ArrayList<Integer>();
        for (Object value : array(name)) {
            if (!(value instanceof Long) || (Long) value < 0 || (Long) value > MAX_INT) {
                throw refusal(name, "an array of whole numbers from 0 to " + MAX_INT);
            }
            numbers.add(((Long) value).intValue());
        }
        return numbers;
    }

    @SuppressWarnings("unchecked")
    List<Object> array(String name) {
        Object value = raw(name);
        if (!(value instanceof List)) {
            throw refusal(name, "an array");
        }
        return (List<Object>) value;
    }

    Map<String, Object> object(String name) {
        Object value = raw(name);
        if (!(value instanceof Map)) {
            throw refusal(name, "an object");
        }
        return asObject(value);
    }

    Map<String, Object> objectOrNull(String name) {
        return raw(name) == null ? null : object(name);
    }

    /** A text that is one of a few; the caller finds the member. */
    String choice(String name, List<String> allowed) {
        String value = text(name);
        if (!allowed.contains(value)) {
            throw new InvalidBundle(document + ": " + Unknown.name(name, value, allowed));
        }
        return value;
    }

    Fields child(String name) {
        return new Fields(raw(name), document, path + name + ".");
    }

    List<Fields> children(String name) {
        List<Fields> children = new ArrayList<Fields>();
        for (Object item : array(name)) {
            children.add(new Fields(item, document, path + name + "[" + children.size() + "]."));
        }
        return children;
    }

    static boolean isNumber(Object value) {
        if (value instanceof BigInteger) {
            return ((BigInteger) value).abs().compareTo(BEYOND) < 0;
        }
        return value instanceof Long || (value instanceof Double && Math.abs((Double) value) < 1e300);
    }

    private static String shown(Object value) {
        String text = Json.write(value);
        return text.length() <= 60 ? text : text.substring(0, 57) + "...";
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> asObject(Object value) {
        return (Map<String, Object>) value;
    }
}
