package edge.trm.json;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.util.Arrays;
import org.junit.Test;

/** Strict JSON: what is not the standard is refused, and nothing hostile exhausts the stack. */
public class JsonTest {
    @Test
    public void valuesKeepTheirKind() throws Exception {
        String text = "{\"a\": [1, 1.0, -2e3, true, null, \"\\u00e9\\n\"], \"b\": {}, \"c\": []}";
        assertEquals("{\"a\": [1, 1.0, -2000.0, true, null, \"\\u00e9\\n\"], \"b\": {}, \"c\": []}",
                Json.write(Json.parse(text)));
        assertEquals(new java.math.BigInteger("123456789012345678901234567890"),
                Json.parse("123456789012345678901234567890"));
        assertEquals(Double.POSITIVE_INFINITY, Json.parse("1e999"));
        assertEquals(Long.MIN_VALUE, Json.parse("-9223372036854775808"));
        assertEquals("{\"a\": 2}", Json.write(Json.parse("{\"a\": 1, \"a\": 2}")));
    }

    @Test
    public void whatIsNotJsonIsRefused() {
        for (String text : Arrays.asList(
                "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "NaN", "Infinity", "-", "01", "1.", ".5", "+1",
                "0x1", "tru", "\"\t\"", "\"\\x\"", "\"\\u12g4\"", "\"", "[1] 2",
                "\ufeff1", "1_0", "// a\n1", "\u0661")) {
            try {
                fail(text + " was read as " + Json.parse(text));
            } catch (InvalidJson error) {
                assertTrue(error.getMessage(), error.getMessage().contains("line 1"));
            }
        }
    }

    @Test
    public void placesAreCountedInCharacters() {
        try {
            Json.parse("{\n \"\ud83d\ude00\": ]");
            fail("was read");
        } catch (InvalidJson error) {
            assertEquals("Expecting value: line 2 column 7 (char 8)", error.getMessage());
        }
    }

    @Test
    public void nestingAndLongNumbersEnd() throws Exception {
        char[] open = new char[1 << 20];
        Arrays.fill(open, '[');
        char[] digits = new char[5000];
        Arrays.fill(digits, '9');
        for (String text : Arrays.asList(new String(open), new String(digits))) {
            try {
                Json.parse(text);
                fail("was read");
            } catch (InvalidJson error) {
                assertTrue(error.beyondLimits);
            }
        }
        assertTrue(Double.isInfinite((Double) Json.parse(new String(digits) + "e0")));
    }
}
