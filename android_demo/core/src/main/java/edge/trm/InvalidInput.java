package edge.trm;

/** What the user typed, or a file said, is not acceptable; says what was given, what is allowed and how to mend it. */
public class InvalidInput extends TrmEdgeException {
    private static final long serialVersionUID = 1;

    public InvalidInput(String message) {
        super(message);
    }

    public InvalidInput(String message, Throwable cause) {
        super(message, cause);
    }
}
