package edge.trm.bundle;

import edge.trm.InvalidInput;

/** A bundle that is damaged, tampered with, unsafe or of a newer version. */
public class InvalidBundle extends InvalidInput {
    private static final long serialVersionUID = 1;

    public InvalidBundle(String message) {
        super(message);
    }

    public InvalidBundle(String message, Throwable cause) {
        super(message, cause);
    }
}
