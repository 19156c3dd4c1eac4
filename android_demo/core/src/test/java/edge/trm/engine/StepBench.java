package edge.trm.engine;

import edge.trm.bundle.Bundle;
import edge.trm.bundle.CarrySpec;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Supervision steps of a bundle's first golden puzzle, for benchmarks/jvm_step.py: says what runs, then answers every
 * line with a number of steps by a line, when as many are done. The host's share is the solver's: states change hands.
 */
public final class StepBench {
    private StepBench() {}

    /** @param arguments bundle, threads */
    public static void main(String[] arguments) throws Exception {
        BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        try (Bundle bundle = Bundle.open(new File(arguments[0]));
                Engine engine = Engines.open(bundle, Integer.valueOf(arguments[1]), null)) {
            Map<String, Tensor> given = new LinkedHashMap<String, Tensor>();
            int[] puzzle = bundle.golden().tokens[0];
            Tensor tokens = Tensor.zeros(DType.INT32, 1, puzzle.length);
            for (int i = 0; i < puzzle.length; i++) {
                tokens.set(i, puzzle[i]);
            }
            given.put("tokens", tokens);
            if (bundle.manifest.takesPuzzleIds()) {
                given.put("puzzle_ids", Tensor.zeros(DType.INT32, 1));
            }
            System.out.println(engine.runtime() + "\t" + System.getProperty("java.vm.name") + " "
                    + System.getProperty("java.version"));
            Map<String, Tensor> outputs = engine.outputs(1);
            for (String order = orders.readLine(); order != null; order = orders.readLine()) {
                run(engine, given, outputs, Integer.parseInt(order));
                System.out.println("done");
            }
        }
    }

    private static void run(Engine engine, Map<String, Tensor> given, Map<String, Tensor> heads, int steps) {
        Map<String, Tensor> carry = engine.initialCarry(1);
        Map<String, Tensor> next = engine.initialCarry(1);
        for (int step = 0; step < steps; step++) {
            Map<String, Tensor> inputs = new LinkedHashMap<String, Tensor>(given);
            Map<String, Tensor> outputs = new LinkedHashMap<String, Tensor>(heads);
            inputs.putAll(carry);
            for (CarrySpec state : engine.manifest.carry) {
                outputs.put(state.output, next.get(state.input));
            }
            engine.infer(inputs, outputs);
            Map<String, Tensor> previous = carry;
            carry = next;
            next = previous;
        }
    }
}
