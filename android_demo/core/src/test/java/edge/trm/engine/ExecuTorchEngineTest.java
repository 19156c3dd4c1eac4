package edge.trm.engine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import edge.trm.InvalidInput;
import edge.trm.Python;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Manifest;
import edge.trm.bundle.Manifests;
import edge.trm.json.Json;
import edge.trm.solve.Solution;
import edge.trm.solve.Solver;
import edge.trm.tasks.Puzzle;
import java.io.File;
import java.nio.FloatBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Test;
import org.pytorch.executorch.EValue;
import org.pytorch.executorch.Module;

/** The host's half of an ExecuTorch program: which method is called with what, how often, and what is made of it. */
public class ExecuTorchEngineTest {
    /** Methods that are sums: embed gives 1 everywhere, network_L z + injected, network_H their difference. */
    private static final class SumModule extends Module {
        final List<String> calls = new ArrayList<String>();
        String[] methods = {"heads", "embed", "network_L"};
        int tooMany;

        @Override
        public String[] getMethods() {
            return methods;
        }

        @Override
        public EValue[] execute(String method, EValue... inputs) {
            calls.add(method);
            if (method.equals("embed")) {
                float[] ones = new float[17 * 2 + tooMany];
                Arrays.fill(ones, 1);
                return new EValue[] {value(ones)};
            }
            float[] z = inputs[0].toTensor().getDataAsFloatArray();
            if (method.equals("heads")) {
                return new EValue[] {value(new float[16 * 6]), value(new float[] {z[0]})};
            }
            float[] injected = inputs[1].toTensor().getDataAsFloatArray();
            float[] next = new float[z.length];
            for (int i = 0; i < z.length; i++) {
                next[i] = method.equals("network_H") ? z[i] - injected[i] : z[i] + injected[i];
            }
            return new EValue[] {value(next)};
        }

        private static EValue value(float[] numbers) {
            return EValue.from(org.pytorch.executorch.Tensor.fromBlob(
                    FloatBuffer.wrap(numbers), new long[] {numbers.length}));
        }
    }

    @SuppressWarnings("unchecked")
    private static Manifest manifest(Object... model) throws Exception {
        Map<String, Object> document = Manifests.document();
        document.put("format", "executorch");
        for (String field : Arrays.asList("inputs", "outputs")) {
            for (Object tensor : (List<Object>) document.get(field)) {
                ((List<Object>) ((Map<String, Object>) tensor).get("shape")).set(0, 1L);
            }
        }
        Map<String, Object> config = (Map<String, Object>) document.get("model");
        for (int i = 0; i < model.length; i += 2) {
            config.put((String) model[i], model[i + 1]);
        }
        return Manifest.fromJson(Json.write(document));
    }

    private static Map<String, Tensor> step(Engine engine) {
        Map<String, Tensor> inputs = engine.initialCarry(1);
        inputs.put("tokens", Tensor.zeros(DType.INT32, 1, 16));
        inputs.put("puzzle_ids", Tensor.zeros(DType.INT32, 1));
        return engine.infer(inputs);
    }

    @Test
    public void methodsAreCalledAsTheModelSays() throws Exception {
        SumModule module = new SumModule();
        Engine engine = new ExecuTorchEngine(manifest("H_cycles", 2L, "L_cycles", 3L), module, null);
        Map<String, Tensor> outputs = step(engine);
        assertEquals(Arrays.asList("embed", "network_L", "network_L", "network_L", "network_L", "network_L",
                "network_L", "network_L", "network_L", "heads"), module.calls);
        // z_H 0.5, z_L 0: injected 1.5, z_L 4.5, z_H 5; injected 6, z_L 22.5, z_H 27.5
        assertEquals(22.5, outputs.get("z_L_next").get(0), 0);
        assertEquals(27.5, outputs.get("z_H_next").get(0), 0);
        assertEquals(27.5, outputs.get("q_halt").get(0), 0);
    }

    @Test
    public void anHrmHasASecondNetwork() throws Exception {
        SumModule module = new SumModule();
        module.methods = new String[] {"embed", "network_L", "network_H", "heads"};
        Manifest hrm = manifest("H_cycles", 1L, "L_cycles", 1L, "H_layers", 2L);
        Map<String, Tensor> outputs = step(new ExecuTorchEngine(hrm, module, null));
        assertEquals(Arrays.asList("embed", "network_L", "network_H", "heads"), module.calls);
        assertEquals(0.5 - 1.5, outputs.get("z_H_next").get(0), 0);
    }

    @Test
    public void aProgramThatIsNotTheManifestsIsRefused() throws Exception {
        SumModule module = new SumModule();
        module.methods = new String[] {"forward"};
        refused(module, "The program's methods are forward; its manifest asks for embed, heads, network_L");
        module = new SumModule();
        module.tooMany = 1;
        refused(module, "The program's method 'embed' gives 35 numbers, its manifest says 34");
        try {
            new ExecuTorchEngine(manifest("H_cycles", 0L), new SumModule(), null);
            fail("took no cycles");
        } catch (InvalidInput error) {
            assertTrue(error.getMessage().contains("H_cycles = 0 is out of range. Allowed: 1 to 256."));
        }
    }

    private static void refused(Module module, String line) throws Exception {
        try {
            step(new ExecuTorchEngine(manifest(), module, null));
            fail("was taken");
        } catch (InvalidInput error) {
            assertEquals(line, error.getMessage());
        }
    }

    @Test
    public void anAppWithoutExecuTorchSaysSo() throws Exception {
        File path = new File(Python.fixtures(), "bundles/sudoku-4x4.fp32.executorch-step");
        Bundle bundle = Bundle.open(path);
        try {
            Engines.open(bundle);
            fail("was opened");
        } catch (InvalidInput error) {
            assertTrue(error.getMessage().startsWith("This app has no ExecuTorch: add org.pytorch:executorch-android"));
        }
    }

    /** A real program, its methods run by Python's ExecuTorch, gives the answers that Python's host got out of it. */
    @Test
    public void aRealProgramGivesPythonsAnswers() throws Exception {
        File fixtures = Python.fixtures();
        String interpreter = Python.interpreter();
        int compared = 0;
        byte[] text = Files.readAllBytes(new File(fixtures, "runs.json").toPath());
        Map<?, ?> document = (Map<?, ?>) Json.parse(new String(text, StandardCharsets.UTF_8));
        for (Object item : (List<?>) document.get("runs")) {
            Map<?, ?> run = (Map<?, ?>) item;
            Bundle bundle = Bundle.open(new File(fixtures, "bundles/" + run.get("bundle")));
            if (bundle.manifest.format.id().equals("executorch")) {
                ExecuTorchEngine.check(bundle.manifest);
                Module module = new PythonModule(interpreter, bundle.modelFile());
                Engine engine = new ExecuTorchEngine(bundle.manifest, module, 1);
                Solver solver = new Solver(engine, (String) run.get("policy"), null);
                List<?> puzzles = (List<?>) run.get("puzzles");
                for (int i = 0; i < puzzles.size(); i++) {
                    Map<?, ?> expect = (Map<?, ?>) ((List<?>) run.get("expect")).get(i);
                    String question = (String) ((Map<?, ?>) puzzles.get(i)).get("question");
                    Solution solution = solver.solve(new Puzzle(solver.task.parse(question).question));
                    assertEquals(expect.get("tokens").toString(), Arrays.toString(solution.answer));
                    assertEquals(expect.get("steps"), (long) solution.steps);
                    assertEquals(((Number) expect.get("q_halt")).doubleValue(), solution.qHalt, 1e-3);
                    compared++;
                }
                engine.close();
            }
            bundle.close();
        }
        assertTrue("no run of an ExecuTorch program", compared > 0);
    }
}
