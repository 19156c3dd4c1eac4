package org.pytorch.executorch;

/** The signatures of ExecuTorch's EValue that this library calls; see {@link Module}. */
public class EValue {
    private final Tensor tensor;

    private EValue(Tensor tensor) {
        this.tensor = tensor;
    }

    public static EValue from(Tensor tensor) {
        return new EValue(tensor);
    }

    public boolean isTensor() {
        return true;
    }

    public Tensor toTensor() {
        return tensor;
    }
}
