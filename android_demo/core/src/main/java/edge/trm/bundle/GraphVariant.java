package edge.trm.bundle;

/** How the recursion over supervision steps is laid out in a graph. */
public enum GraphVariant implements Choice {
    /** One supervision step; the carry goes in and comes out, the host loops. */
    STEP("step"),
    /** N supervision steps, all logits and halting logits out. */
    UNROLLED("unrolled"),
    /** A Loop operator that halts inside the graph, row by row. */
    LOOP("loop");

    private final String id;

    GraphVariant(String id) {
        this.id = id;
    }

    @Override
    public String id() {
        return id;
    }
}
