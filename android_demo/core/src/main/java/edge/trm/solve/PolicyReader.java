package edge.trm.solve;

import edge.trm.InvalidInput;
import edge.trm.text.Show;
import edge.trm.text.Unknown;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Reads the text form of halting policies.
 *
 * <pre>
 * policy  = "fixed" [":" steps] | "act" [":" args] | "stable:" k | "verified"
 *         | "any(" policy {"," policy} ")" | "all(" policy {"," policy} ")"
 * args    = ("threshold=" number | "min=" step) {"," the other one}
 * </pre>
 */
final class PolicyReader {
    private static final List<String> NAMES = Arrays.asList("fixed", "act", "stable", "verified", "any", "all");
    private static final int MAX_DEPTH = 8;
    private static final String EXAMPLES =
            " Examples: act, act:threshold=0.5,min=2, fixed:8, stable:3, verified, any(act,stable:3)";
    private static final Pattern NUMBER =
            Pattern.compile("[+-]?(?:[0-9]+\\.?[0-9]*|\\.[0-9]+)(?:[eE][+-]?[0-9]+)?");
    private static final Pattern NO_NUMBER = Pattern.compile("([+-]?)(inf|infinity|nan)", Pattern.CASE_INSENSITIVE);

    private PolicyReader() {}

    static Policy read(String text) {
        StringBuilder dense = new StringBuilder();
        for (int at = 0; at < text.length(); at++) {
            char c = text.charAt(at);
            boolean control = (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f) || c == 0x85;
            if (!control && !Character.isSpaceChar(c)) {
                dense.append(c);
            }
        }
        return read(dense.toString(), 0);
    }

    private static Policy read(String text, int depth) {
        if (text.startsWith("any(") || text.startsWith("all(")) {
            if (depth == MAX_DEPTH) {
                throw refusal(text, "nested more than " + MAX_DEPTH + " deep");
            }
            if (!text.endsWith(")")) {
                throw refusal(text, "it must end with ')'");
            }
            List<Policy> policies = new ArrayList<Policy>();
            for (String part : split(text.substring(4, text.length() - 1))) {
                policies.add(read(part, depth + 1));
            }
            return new Policy.Several(text.startsWith("all"), policies);
        }
        int colon = text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        if (colon < 0 && name.equals("verified")) {
            return new Policy.Verified();
        }
        if (colon < 0 && name.equals("fixed")) {
            return new Policy.Fixed(null);
        }
        if (colon < 0 && name.equals("act")) {
            return new Policy.Act(0, 1);
        }
        if (colon >= 0 && name.equals("fixed")) {
            return new Policy.Fixed(whole(text, text.substring(colon + 1)));
        }
        if (colon >= 0 && name.equals("stable")) {
            return new Policy.Stable(whole(text, text.substring(colon + 1)));
        }
        if (colon >= 0 && name.equals("act")) {
            return act(text, text.substring(colon + 1));
        }
        if (NAMES.contains(name)) {
            throw refusal(text, "arguments are missing or not allowed here");
        }
        throw new InvalidInput(Unknown.name("halting policy", Show.cut(name, 40), NAMES) + EXAMPLES);
    }

    private static Policy act(String text, String arguments) {
        String threshold = null;
        String min = null;
        for (String argument : arguments.split(",", -1)) {
            int equals = argument.indexOf('=');
            String key = equals < 0 ? argument : argument.substring(0, equals);
            String value = equals < 0 ? "" : argument.substring(equals + 1);
            if (key.equals("threshold") && threshold == null) {
                threshold = value;
            } else if (key.equals("min") && min == null) {
                min = value;
            } else {
                throw refusal(text, "'" + argument + "' is not one threshold= or one min=");
            }
        }
        double number = number(text, threshold == null ? "0" : threshold);
        return new Policy.Act(number, whole(text, min == null ? "1" : min));
    }

    /** Splits at the commas outside parentheses, but not before {@code key=}: that is the next argument of act. */
    private static List<String> split(String text) {
        List<String> parts = new ArrayList<String>();
        int depth = 0;
        int begin = 0;
        for (int at = 0; at <= text.length() && depth >= 0; at++) {
            char c = at < text.length() ? text.charAt(at) : ',';
            depth += c == '(' ? 1 : c == ')' ? -1 : 0;
            if (c == ',' && depth == 0) {
                parts.add(text.substring(begin, at));
                begin = at + 1;
            }
        }
        if (depth != 0) {
            throw refusal(text, "its parentheses do not match");
        }
        List<String> policies = new ArrayList<String>();
        for (String part : parts) {
            int equals = part.indexOf('=');
            String key = equals < 0 ? part : part.substring(0, equals);
            int last = policies.size() - 1;
            if (last >= 0 && (key.equals("threshold") || key.equals("min"))) {
                policies.set(last, policies.get(last) + "," + part);
            } else {
                policies.add(part);
            }
        }
        return policies;
    }

    private static int whole(String text, String value) {
        if (!value.matches("[0-9]{1,9}")) {
            throw refusal(text, "'" + value + "' is not a whole number");
        }
        return Integer.parseInt(value);
    }

    private static double number(String text, String value) {
        if (NO_NUMBER.matcher(value).matches()) { // read, and refused as not finite
            boolean nan = value.toLowerCase(Locale.ROOT).endsWith("nan");
            return nan ? Double.NaN : value.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
        }
        if (!NUMBER.matcher(value).matches()) {
            throw refusal(text, "'" + value + "' is not a number");
        }
        return Double.parseDouble(value);
    }

    private static InvalidInput refusal(String text, String reason) {
        return new InvalidInput("Halting policy '" + Show.cut(text, 60) + "': " + reason + "." + EXAMPLES);
    }
}
