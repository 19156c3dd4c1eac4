package edge.trm.engine;

import edge.trm.bundle.Manifest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A step graph without weights: the state counts steps, the answer after step n is n + 1 in every cell, and the halting
 * logit is positive from that step on which the puzzle's first token names (token 2 is step 1).
 */
public final class FakeEngine extends Engine {
    /** Rows of each call. */
    public final List<Integer> widths = new ArrayList<Integer>();

    private boolean nan;

    public FakeEngine(Manifest manifest) {
        super(manifest);
    }

    /** Answers NaN from now on. */
    public void answerNan() {
        nan = true;
    }

    @Override
    public String runtime() {
        return "fake 1.0";
    }

    @Override
    public String provider() {
        return "fake";
    }

    @Override
    public Integer threads() {
        return null;
    }

    @Override
    protected void compute(Map<String, Tensor> inputs, Map<String, Tensor> outputs) {
        int batch = inputs.get("tokens").shape()[0];
        widths.add(batch);
        int state = inputs.get("z_L").size() / batch;
        for (int row = 0; row < batch; row++) {
            float step = inputs.get("z_L").get(row * state) + 1;
            for (int i = 0; i < state; i++) {
                outputs.get("z_L_next").set(row * state + i, step);
                outputs.get("z_H_next").set(row * state + i, inputs.get("z_H").get(row * state + i));
            }
            for (int cell = 0; cell < manifest.seqLen; cell++) {
                for (int value = 0; value < manifest.vocabSize; value++) {
                    int at = (row * manifest.seqLen + cell) * manifest.vocabSize + value;
                    outputs.get("logits").set(at, value == Math.min(5, (int) step + 1) ? 1 : 0);
                }
            }
            long first = inputs.get("tokens").getLong(row * manifest.seqLen);
            outputs.get("q_halt").set(row, nan ? Float.NaN : step - (first - 1) + 0.5);
        }
    }

    @Override
    protected void free() {}
}
