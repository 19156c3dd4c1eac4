package edge.trm;

/** Base of every error that this library raises on purpose. The message is one line for people to read. */
public class TrmEdgeException extends RuntimeException {
    private static final long serialVersionUID = 1;

    public TrmEdgeException(String message) {
        super(message);
    }

    public TrmEdgeException(String message, Throwable cause) {
        super(message, cause);
    }
}
