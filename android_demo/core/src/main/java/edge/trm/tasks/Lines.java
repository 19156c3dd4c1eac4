package edge.trm.tasks;

import java.util.ArrayList;
import java.util.List;

/** Lines and spaces of a text as Python sees them, whose readers are the reference. */
final class Lines {
    private Lines() {}

    /** Lines without their ends; a line end at the end of the text begins no line. */
    static List<String> split(String text) {
        List<String> lines = new ArrayList<String>();
        int begin = 0;
        for (int at = 0; at < text.length(); at++) {
            char c = text.charAt(at);
            if (c == '\n' || c == '\r' || c == 0x0b || c == 0x0c || (c >= 0x1c && c <= 0x1e) || c == 0x85
                    || c == 0x2028 || c == 0x2029) {
                lines.add(text.substring(begin, at));
                if (c == '\r' && at + 1 < text.length() && text.charAt(at + 1) == '\n') {
                    at++;
                }
                begin = at + 1;
            }
        }
        if (begin < text.length()) {
            lines.add(text.substring(begin));
        }
        return lines;
    }

    /** Whether a code point is white space, in the widest sense of Unicode. */
    static boolean isSpace(int c) {
        return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x1f) || c == 0x85 || Character.isSpaceChar(c);
    }
}
