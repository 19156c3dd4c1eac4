package edge.trm.solve;

import edge.trm.TrmEdgeException;

/** A listener asked to stop. */
public final class Cancelled extends TrmEdgeException {
    private static final long serialVersionUID = 1;

    public Cancelled() {
        super("Stopped before the puzzle was done");
    }
}
