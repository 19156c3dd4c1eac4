package edge.trm.tasks;

import edge.trm.InvalidInput;

/** A puzzle that cannot be parsed or contradicts itself. */
public class InvalidPuzzle extends InvalidInput {
    private static final long serialVersionUID = 1;

    public InvalidPuzzle(String message) {
        super(message);
    }
}
