package edge.trm.json;

/** A text that is not JSON; says what was expected, and where. */
public class InvalidJson extends Exception {
    private static final long serialVersionUID = 1;

    /** What is wrong, without the place. */
    public final String reason;
    /** Counted from 1. */
    public final int line;
    /** Counted from 1. */
    public final int column;
    /** JSON it may be, but nested too deeply or with a number that is too long. */
    public final boolean beyondLimits;

    InvalidJson(String reason, int line, int column, int at, boolean beyondLimits) {
        super(reason + ": line " + line + " column " + column + " (char " + at + ")");
        this.reason = reason;
        this.line = line;
        this.column = column;
        this.beyondLimits = beyondLimits;
    }
}
