package edge.trm.text;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.Test;

/** Values in messages look as Python shows them. */
public class ShowTest {
    @Test
    public void numbersAreTheShortestThatReadBack() {
        Object[][] cases = {
            {0.1, "0.1"}, {0.5, "0.5"}, {-0.0, "-0.0"}, {2.0, "2.0"}, {100.0, "100.0"}, {1e15, "1000000000000000.0"},
            {1e16, "1e+16"}, {1e-4, "0.0001"}, {1e-5, "1e-05"}, {1.5e300, "1.5e+300"}, {123456.789, "123456.789"},
            {5e-324, "5e-324"}, {1.7976931348623157e308, "1.7976931348623157e+308"}, {0.1 + 0.2, "0.30000000000000004"},
            {9007199254740993.0, "9007199254740992.0"}, {2e-3, "0.002"}, {-12.25, "-12.25"}, {2e22, "2e+22"},
        };
        for (Object[] one : cases) {
            assertEquals(one[1], Show.number((Double) one[0]));
        }
        Random random = new Random(0);
        for (int i = 0; i < 2000; i++) {
            double value = Double.longBitsToDouble(random.nextLong());
            if (!Double.isNaN(value) && !Double.isInfinite(value)) {
                assertEquals(value, Double.parseDouble(Show.number(value)), 0);
            }
        }
    }

    @Test
    public void textsAreQuotedAndEscaped() {
        assertEquals("'a'", Show.quoted("a"));
        assertEquals("\"it's\"", Show.quoted("it's"));
        assertEquals("'\"it\\'s\"'", Show.quoted("\"it's\""));
        assertEquals("'\\n\\t\\x00\\x7f\\xa0\\u200b\\\\'", Show.quoted("\n\t\0\u007f\u00a0\u200b\\"));
        assertEquals("'\ud83d\ude00\u00e9'", Show.quoted("\ud83d\ude00\u00e9"));
        assertEquals("'\\ud83d'", Show.quoted("\ud83d"));
        assertTrue(Show.isPrintable("a b"));
        assertFalse(Show.isPrintable("a\u2028b"));
        assertEquals("\ud83d\ude00", Show.cut("\ud83d\ude00x", 1));
    }

    @Test
    public void unknownNamesGetTheNearestGuess() {
        assertEquals(
                "Unknown precision 'fp3'. Allowed: fp32, fp16. Did you mean 'fp32'?",
                Unknown.name("precision", "fp3", Arrays.asList("fp32", "fp16")));
        assertEquals("Unknown task 'go'. Allowed: sudoku.", Unknown.name("task", "go", Arrays.asList("sudoku")));
    }
}
