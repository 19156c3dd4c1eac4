package edge.trm;

import static org.junit.Assume.assumeTrue;

import java.io.File;

/**
 * The Python tools, for tests that hold this library against them: TRM_EDGE_PYTHON names an interpreter that has them.
 */
public final class Python {
    private Python() {}

    /** The interpreter; the test is skipped where there is none. */
    public static String interpreter() {
        String given = System.getenv("TRM_EDGE_PYTHON");
        assumeTrue("TRM_EDGE_PYTHON names no interpreter", given != null);
        return given;
    }

    /** The folder that make.py wrote; the test is skipped where there is none. */
    public static File fixtures() {
        String given = System.getenv("TRM_EDGE_FIXTURES");
        assumeTrue("TRM_EDGE_FIXTURES names no folder", given != null);
        return new File(given);
    }
}
