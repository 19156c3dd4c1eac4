package edge.trm.text;

import java.util.Collection;

/** The line for an unknown name: what was given, what is allowed, and the nearest guess. */
public final class Unknown {
    private static final double NEAR = 0.6;

    private Unknown() {}

    /** {@code Unknown precision 'fp3'. Allowed: fp32, fp16. Did you mean 'fp32'?} */
    public static String name(String what, String given, Collection<String> allowed) {
        String nearest = null;
        double best = NEAR;
        for (String name : allowed) {
            double ratio = ratio(name, given);
            // of equals the later in the alphabet, as Python's difflib has it
            if (ratio > best || (ratio == best && (nearest == null || name.compareTo(nearest) > 0))) {
                nearest = name;
                best = ratio;
            }
        }
        String hint = nearest == null ? "" : " Did you mean '" + nearest + "'?";
        return "Unknown " + what + " '" + given + "'. Allowed: " + Show.joined(allowed) + "." + hint;
    }

    /** Twice the characters of the matching blocks (longest first) over the characters of both texts. */
    static double ratio(String a, String b) {
        int length = a.length() + b.length();
        if (length == 0) {
            return 1;
        }
        if (2.0 * Math.min(a.length(), b.length()) / length < NEAR) {
            return 0; // cannot come near
        }
        return 2.0 * matches(a, 0, a.length(), b, 0, b.length()) / length;
    }

    private static int matches(String a, int aLow, int aHigh, String b, int bLow, int bHigh) {
        int size = 0;
        int aAt = aLow;
        int bAt = bLow;
        for (int i = aLow; i < aHigh; i++) {
            for (int j = bLow; j < bHigh; j++) {
                int k = 0;
                while (i + k < aHigh && j + k < bHigh && a.charAt(i + k) == b.charAt(j + k)) {
                    k++;
                }
                if (k > size) {
                    size = k;
                    aAt = i;
                    bAt = j;
                }
            }
        }
        if (size == 0) {
            return 0;
        }
        return size + matches(a, aLow, aAt, b, bLow, bAt) + matches(a, aAt + size, aHigh, b, bAt + size, bHigh);
    }
}
