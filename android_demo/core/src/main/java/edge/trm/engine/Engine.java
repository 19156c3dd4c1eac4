package edge.trm.engine;

import edge.trm.InvalidInput;
import edge.trm.bundle.CarrySpec;
import edge.trm.bundle.InvalidBundle;
import edge.trm.bundle.Manifest;
import edge.trm.bundle.TensorSpec;
import edge.trm.text.Show;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * An open graph: something that computes one call of it. This class validates what goes in and what comes out; an
 * engine only knows how to open a graph and how to compute. Nothing here knows halting policies or tasks. One call at a
 * time; close it after use.
 */
public abstract class Engine implements AutoCloseable {
    /** The manifest that the graph is checked against. */
    public final Manifest manifest;

    private final Map<Integer, Integer> rowOfPuzzle = new HashMap<Integer, Integer>();
    private boolean closed;

    protected Engine(Manifest manifest) {
        this.manifest = manifest;
        for (int row = 0; row < manifest.puzzles.size(); row++) {
            rowOfPuzzle.put(manifest.puzzles.get(row), row);
        }
    }

    /** Name and version of the library that computes: {@code onnxruntime 1.26.0}. */
    public abstract String runtime();

    /** What computes, in the library's own words: {@code CPUExecutionProvider}. */
    public abstract String provider();

    /** Threads asked for, or null: the library's own choice. */
    public abstract Integer threads();

    /**
     * One call of the graph. The memory of a state may be handed on: the output of one call is the input of the next,
     * and its memory then takes the output of the next but one.
     *
     * @param inputs exactly the tensors of {@code manifest.inputs}, with one batch size
     * @param outputs the tensors of {@code manifest.outputs}, which are written to; none shares memory with an input
     * @throws InvalidInput a tensor is missing, unknown, of another shape or format, or has values out of range
     * @throws InvalidBundle the graph failed, or answered NaN
     */
    public final void infer(Map<String, Tensor> inputs, Map<String, Tensor> outputs) {
        if (closed) {
            throw new InvalidInput("The session is closed: open it again");
        }
        Tensor tokens = inputs.get("tokens");
        int batch = tokens == null || tokens.shape().length == 0 ? 0 : tokens.shape()[0];
        checkBatch(batch);
        check("Input", manifest.inputs, inputs, batch);
        check("Output", manifest.outputs, outputs, batch);
        checkRange("tokens", tokens, manifest.vocabSize);
        if (manifest.takesPuzzleIds()) {
            checkRange("puzzle_ids", inputs.get("puzzle_ids"), manifest.puzzles.size());
        }
        compute(inputs, outputs);
        checkNumbers("logits", outputs.get("logits"));
        checkNumbers("q_halt", outputs.get("q_halt"));
    }

    /** The same, with fresh outputs. */
    public final Map<String, Tensor> infer(Map<String, Tensor> inputs) {
        Tensor tokens = inputs.get("tokens");
        int batch = tokens == null || tokens.shape().length == 0 ? 0 : tokens.shape()[0];
        checkBatch(batch);
        Map<String, Tensor> outputs = zeros(manifest.outputs, batch);
        infer(inputs, outputs);
        return outputs;
    }

    /** Fresh tensors for the outputs of a batch. */
    public final Map<String, Tensor> outputs(int batch) {
        checkBatch(batch);
        return zeros(manifest.outputs, batch);
    }

    /**
     * The states before the first step of a step graph, by input name: [batch, prefix + seq, hidden], in the graph's
     * own number format. States in integers start at {@code init / scale}, rounded half to even, plus the zero point.
     */
    public final Map<String, Tensor> initialCarry(int batch) {
        Map<String, Tensor> carry = new LinkedHashMap<String, Tensor>();
        for (CarrySpec state : manifest.carry) {
            for (TensorSpec spec : manifest.inputs) {
                if (spec.name.equals(state.input)) {
                    carry.put(state.input, initial(state, Tensor.zeros(DType.of(spec.dtype), spec.at(batch))));
                }
            }
        }
        return carry;
    }

    /**
     * Row of the kept puzzle embeddings for an original puzzle id; 0 where the model has none.
     *
     * @throws InvalidInput the bundle did not keep that id
     */
    public final int puzzleRow(int puzzleId) {
        if (rowOfPuzzle.isEmpty()) {
            return 0;
        }
        Integer row = rowOfPuzzle.get(puzzleId);
        if (row == null) {
            List<Integer> kept = manifest.puzzles;
            String more = kept.size() > 20 ? ", ... (" + kept.size() + " in all)" : "";
            throw new InvalidInput("Puzzle id " + puzzleId + " is not in this bundle. Kept: "
                    + Show.joined(kept.subList(0, Math.min(20, kept.size()))) + more
                    + ". Export it again with that id.");
        }
        return row;
    }

    /** Frees the graph. Calling it twice is fine. */
    @Override
    public final void close() {
        if (!closed) {
            closed = true;
            free();
        }
    }

    // -- for engines -------------------------------------------------------------------------

    /** Computes; the inputs are valid, and every number of the outputs must be written. */
    protected abstract void compute(Map<String, Tensor> inputs, Map<String, Tensor> outputs);

    /** Frees the graph; called once. */
    protected abstract void free();

    // -- checks ------------------------------------------------------------------------------
    private void checkBatch(int batch) {
        Integer fixed = manifest.fixedBatch();
        if (batch < 1 || (fixed != null && batch != fixed)) {
            String wanted = fixed == null
                    ? "at least 1 puzzle"
                    : "exactly " + fixed + " puzzle(s), as the graph was exported";
            throw new InvalidInput("Input 'tokens' must be a batch of " + wanted + ": int32 [batch, seq_len]");
        }
    }

    private static void check(String kind, List<TensorSpec> specs, Map<String, Tensor> tensors, int batch) {
        List<String> names = new ArrayList<String>();
        for (TensorSpec spec : specs) {
            names.add(spec.name);
        }
        if (tensors.size() != specs.size() || !tensors.keySet().containsAll(names)) {
            String given = tensors.isEmpty() ? "nothing" : Show.joined(tensors.keySet());
            String verb = kind.equals("Input") ? "takes" : "gives";
            throw new InvalidInput("The graph " + verb + " exactly " + Show.joined(names) + ", not " + given);
        }
        for (TensorSpec spec : specs) {
            Tensor tensor = tensors.get(spec.name);
            if (!tensor.dtype.id.equals(spec.dtype) || !Arrays.equals(tensor.shape(), spec.at(batch))) {
                throw new InvalidInput(kind + " '" + spec.name + "' must be " + spec.dtype + " "
                        + Show.list(spec.at(batch)) + ", not " + tensor);
            }
        }
    }

    private static void checkRange(String name, Tensor tensor, int limit) {
        long low = Long.MAX_VALUE;
        long high = Long.MIN_VALUE;
        for (int i = 0; i < tensor.size(); i++) {
            low = Math.min(low, tensor.getLong(i));
            high = Math.max(high, tensor.getLong(i));
        }
        if (low < 0 || high >= limit) {
            throw new InvalidInput(
                    "Input '" + name + "' must lie in 0.." + (limit - 1) + ", it holds " + low + ".." + high);
        }
    }

    private void checkNumbers(String name, Tensor tensor) {
        for (int i = 0; i < tensor.size(); i++) {
            if (Float.isNaN(tensor.get(i))) {
                throw new InvalidBundle("The graph answered NaN in '" + name + "': its weights hold NaN or its"
                        + " precision (" + manifest.precision.id() + ") overflows. Export it again, in fp32 if need"
                        + " be.");
            }
        }
    }

    private static Map<String, Tensor> zeros(List<TensorSpec> specs, int batch) {
        Map<String, Tensor> tensors = new LinkedHashMap<String, Tensor>();
        for (TensorSpec spec : specs) {
            tensors.put(spec.name, Tensor.zeros(DType.of(spec.dtype), spec.at(batch)));
        }
        return tensors;
    }

    private static Tensor initial(CarrySpec state, Tensor tensor) {
        double[] init = state.init();
        int largest = Manifest.largestInteger(tensor.dtype.id);
        for (int i = 0; i < init.length; i++) {
            float value = (float) init[i];
            double stored = value;
            if (largest > 0) {
                // the quotient in float32, as the exporter's
                stored = Math.rint(value / state.scale.floatValue()) + state.zeroPoint;
                stored = Math.max(0, Math.min(largest, stored));
            }
            tensor.set(i, stored);
        }
        byte[] position = new byte[init.length * tensor.dtype.bytes];
        ByteBuffer memory = tensor.buffer();
        memory.get(position);
        while (memory.hasRemaining()) {
            memory.put(position);
        }
        return tensor;
    }
}
