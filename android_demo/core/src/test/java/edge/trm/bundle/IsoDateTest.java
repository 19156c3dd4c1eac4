package edge.trm.bundle;

import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import org.junit.Test;

/** Dates and times of ISO 8601, as the Python tools take them. */
public class IsoDateTest {
    @Test
    public void datesAndTimes() {
        for (String text : new String[] {
            "2026-11-24", "20261124", "2026-W48-2", "2026W482", "2026-W48", "2020-W53-7", "2024-02-29",
            "2026-11-24T10", "2026-11-24 10:20", "2026-11-24T10:20:30", "2026-11-24T10:20:30.123456+02:00",
            "2026-11-24T102030Z", "20261124T1020-0530", "2026-11-24T10:20:30,5",
        }) {
            assertTrue(text, IsoDate.isDate(text));
        }
        for (String text : new String[] {
            "", "yesterday", "2026", "2026-11", "2026-13-01", "2026-02-29", "2026-11-31", "0000-01-01", "2026-W54",
            "2026-W48-8", "2021-W53", "2026-11-24T", "2026-11-24T24:00", "2026-11-24T10:60", "2026-11-24T10:2030",
            "2026-11-24T10:20:30.", "2026-11-24T10:20+", "26-11-24", "2026-11-24T10:20Zx", "2026-1124",
        }) {
            assertFalse(text, IsoDate.isDate(text));
        }
    }
}
