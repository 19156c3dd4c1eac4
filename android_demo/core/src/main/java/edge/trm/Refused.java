package edge.trm;

/** A combination that cannot work; the message gives the reason and the nearest that does. */
public class Refused extends InvalidInput {
    private static final long serialVersionUID = 1;

    public Refused(String message) {
        super(message);
    }

    public Refused(String message, Throwable cause) {
        super(message, cause);
    }
}
