package edge.trm.bundle;

/** One recurrent state of a step graph. */
public final class CarrySpec {
    /** Name of the graph input that takes the state. */
    public final String input;
    /** Name of the graph output that gives the next one. */
    public final String output;
    /** Of a state stored in integers: {@code real = scale * (stored - zeroPoint)}; else null. */
    public final Double scale;
    /** The stored value of 0; null where there is no scale. */
    public final Integer zeroPoint;

    private final double[] init;

    CarrySpec(String input, String output, double[] init, Double scale, Integer zeroPoint) {
        this.input = input;
        this.output = output;
        this.init = init;
        this.scale = scale;
        this.zeroPoint = zeroPoint;
    }

    /** Initial vector [hidden], the same for every row and position, in real numbers (a copy). */
    public double[] init() {
        return init.clone();
    }

    int hidden() {
        return init.length;
    }
}
