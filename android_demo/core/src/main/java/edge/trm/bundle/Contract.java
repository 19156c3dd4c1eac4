package edge.trm.bundle;

import edge.trm.text.Show;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The graph contract: which tensors a graph of each variant takes and gives (docs/bundle.md, "The graph"). A manifest
 * is checked against it; an engine checks the file against the manifest.
 */
final class Contract {
    private static final double FLOAT16_MAX = 65504;
    private static final double SMALLEST_SCALE = 1e-30;

    private Contract() {}

    /** Largest value of an integer carry, or 0 for a dtype that is none. */
    static int largestInteger(String dtype) {
        return dtype.equals("uint8") ? 255 : dtype.equals("uint16") ? 65535 : 0;
    }

    /** Where a manifest's tensors leave the contract, in one line, or null. */
    static String problem(Manifest m) {
        if ((m.graph == GraphVariant.STEP) != !m.carry.isEmpty()) {
            return "a " + m.graph.id() + " graph must "
                    + (m.graph == GraphVariant.STEP ? "have" : "not have") + " a 'carry'";
        }
        TensorSpec tokens = find(m.inputs, "tokens");
        if (tokens == null || tokens.shape.size() != 2) {
            return "field 'inputs' must hold 'tokens' of shape [batch, seq_len]";
        }
        boolean puzzleIds = find(m.inputs, "puzzle_ids") != null;
        int kept = m.puzzles.size();
        if (puzzleIds != kept > 1 && !(puzzleIds && kept > 0)) {
            return kept + " kept 'puzzles' do not fit " + (puzzleIds ? "an" : "no") + " input 'puzzle_ids'";
        }
        TensorSpec first = m.carry.isEmpty() ? null : find(m.inputs, m.carry.get(0).input);
        boolean known = first != null && (first.dtype.equals("float16") || largestInteger(first.dtype) > 0);
        String carryDtype = known ? first.dtype : "float32";
        for (CarrySpec state : m.carry) {
            String reason = stateProblem(state, carryDtype);
            if (reason != null) {
                return reason;
            }
        }
        Object batch = tokens.shape.get(0);
        List<TensorSpec> inputs = new ArrayList<TensorSpec>();
        List<TensorSpec> outputs = new ArrayList<TensorSpec>();
        inputs.add(spec("tokens", "int32", batch, m.seqLen));
        if (puzzleIds) {
            inputs.add(spec("puzzle_ids", "int32", batch));
        }
        if (m.graph == GraphVariant.UNROLLED) {
            outputs.add(spec("logits", "float32", m.steps, batch, m.seqLen, m.vocabSize));
            outputs.add(spec("q_halt", "float32", m.steps, batch));
        } else {
            outputs.add(spec("logits", "float32", batch, m.seqLen, m.vocabSize));
            outputs.add(spec("q_halt", "float32", batch));
        }
        for (CarrySpec state : m.carry) {
            Object positions = addExact(m.puzzlePrefixLen, m.seqLen);
            inputs.add(spec(state.input, carryDtype, batch, positions, state.hidden()));
            outputs.add(spec(state.output, carryDtype, batch, positions, state.hidden()));
        }
        if (m.graph == GraphVariant.LOOP) {
            inputs.add(spec("budget", "int64"));
            inputs.add(spec("threshold", "float32"));
            outputs.add(spec("steps", "int64", batch));
        }
        String problem = difference("inputs", inputs, m.inputs);
        return problem != null ? problem : difference("outputs", outputs, m.outputs);
    }

    private static String stateProblem(CarrySpec state, String dtype) {
        double held = dtype.equals("float16") ? FLOAT16_MAX : Float.MAX_VALUE;
        boolean holds = state.hidden() > 0;
        for (double value : state.init()) {
            holds &= Math.abs(value) <= held;
        }
        if (!holds) {
            return "the initial vector of '" + state.input + "' must hold "
                    + (dtype.equals("float16") ? dtype : "float32") + " numbers, at least one";
        }
        int largest = largestInteger(dtype);
        String what = "the " + dtype + " state '" + state.input + "' must have ";
        if (largest == 0) {
            boolean unscaled = state.scale == null && state.zeroPoint == null;
            return unscaled ? null : what + "neither 'scale' nor 'zero_point'";
        }
        if (state.scale == null || !(state.scale >= SMALLEST_SCALE && state.scale <= Float.MAX_VALUE)) {
            return what + "a 'scale' of at least 1e-30";
        }
        if (state.zeroPoint == null || state.zeroPoint < 0 || state.zeroPoint > largest) {
            return what + "a 'zero_point' from 0 to " + largest;
        }
        return null;
    }

    private static String difference(String field, List<TensorSpec> expected, List<TensorSpec> given) {
        Map<String, TensorSpec> byName = byName(given);
        Map<String, TensorSpec> wanted = byName(expected);
        if (byName.size() != given.size() || !byName.keySet().equals(wanted.keySet())) {
            return "field '" + field + "' must hold exactly " + names(expected) + ", not " + names(given);
        }
        for (TensorSpec spec : expected) {
            TensorSpec other = byName.get(spec.name);
            if (!other.sameAs(spec)) {
                return "field '" + field + "': '" + spec.name + "' must be " + spec + ", not " + other;
            }
        }
        return null;
    }

    private static Map<String, TensorSpec> byName(List<TensorSpec> specs) {
        Map<String, TensorSpec> byName = new LinkedHashMap<String, TensorSpec>();
        for (TensorSpec spec : specs) {
            byName.put(spec.name, spec);
        }
        return byName;
    }

    private static String names(List<TensorSpec> specs) {
        List<String> names = new ArrayList<String>();
        for (TensorSpec spec : specs) {
            names.add(spec.name);
        }
        return Show.joined(names);
    }

    private static TensorSpec find(List<TensorSpec> specs, String name) {
        return byName(specs).get(name); // of equal names the last, which is refused later
    }

    private static TensorSpec spec(String name, String dtype, Object... shape) {
        return new TensorSpec(name, Arrays.asList(shape), dtype);
    }

    private static Object addExact(int a, int b) {
        long sum = (long) a + b;
        return sum <= Integer.MAX_VALUE ? (Object) (int) sum : (Object) sum;
    }
}
