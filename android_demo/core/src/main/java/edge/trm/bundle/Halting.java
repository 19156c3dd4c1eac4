package edge.trm.bundle;

/** Halting defaults of a bundle. */
public final class Halting {
    /** Policy text, see {@code edge.trm.solve.Policy#parse}. */
    public final String policy;
    /** A row halts when its halting logit is greater. */
    public final double threshold;
    /** First supervision step at which a row may halt. */
    public final int minSteps;
    /** Step budget. */
    public final int maxSteps;

    public Halting(String policy, double threshold, int minSteps, int maxSteps) {
        this.policy = policy;
        this.threshold = threshold;
        this.minSteps = minSteps;
        this.maxSteps = maxSteps;
    }
}
