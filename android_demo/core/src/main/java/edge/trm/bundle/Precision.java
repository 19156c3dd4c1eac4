package edge.trm.bundle;

/** Number format of weights and activations ({@code w} weights, {@code a} activations). */
public enum Precision implements Choice {
    FP32("fp32"),
    FP16("fp16"),
    /** Weights int8, everything computed in float32. */
    W8("w8"),
    /** Integer products; activations are scaled anew at every product. */
    W8A8_DYNAMIC("w8a8-dynamic"),
    /** Integer products; the scales of activations are fixed by calibration. */
    W8A8("w8a8"),
    /** Everything in integers: int8 weights, activations of 16 bits. */
    W8A16("w8a16"),
    /** W8A8 where it costs nothing, wider where a search found that it does. */
    AUTO("auto");

    private final String id;

    Precision(String id) {
        this.id = id;
    }

    @Override
    public String id() {
        return id;
    }
}
