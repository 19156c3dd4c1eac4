package edge.trm.profile;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import edge.trm.Python;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Golden;
import edge.trm.json.Json;
import edge.trm.solve.Cancelled;
import edge.trm.tasks.Puzzle;
import edge.trm.tasks.Task;
import edge.trm.tasks.Tasks;
import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.Rule;
import org.junit.Test;
import org.junit.rules.TemporaryFolder;

/** What is measured of real bundles, and that the Python tools read it. */
public class ProfilerTest {
    @Rule
    public final TemporaryFolder scratch = new TemporaryFolder();

    private static Bundle bundle(String name) {
        return Bundle.open(new File(Python.fixtures(), "bundles/" + name));
    }

    private static Profiler profiler(Bundle bundle, int count) {
        Golden golden = bundle.golden();
        Task task = Tasks.get(bundle.manifest.task);
        List<Puzzle> puzzles = new ArrayList<Puzzle>();
        for (int i = 0; i < count; i++) {
            puzzles.add(new Puzzle(
                    task.decode(golden.tokens[i]), task.decode(golden.answers[i]), golden.puzzleIds[i]));
        }
        return new Profiler(bundle, puzzles).threads(1).data(count + " golden puzzles of the bundle");
    }

    @Test
    public void everyStepOfEveryPuzzleIsTimed() throws Exception {
        Bundle bundle = bundle("sudoku-4x4.fp32.onnx-step");
        Profile profile = profiler(bundle, 2).rounds(2, 1).fact("model", "a phone").measure(null);
        assertTrue(profile.stepSeconds(0.5) > 0);
        assertTrue(profile.stepSeconds(0.5) <= profile.stepSeconds(0.9));
        assertTrue(profile.puzzleSeconds(0.5) > 0);
        assertTrue(profile.meanSteps() >= 1);
        assertEquals(2, profile.puzzles());
        assertEquals("judged by the known answers", 2, profile.right());
        Map<?, ?> document = (Map<?, ?>) Json.parse(profile.toJson());
        Map<?, ?> side = (Map<?, ?>) ((List<?>) document.get("sides")).get(0);
        List<?> runs = (List<?>) side.get("runs");
        assertEquals("rounds that count", 2, runs.size());
        Map<?, ?> run = (Map<?, ?>) ((List<?>) runs.get(1)).get(1);
        assertEquals(1L, run.get("puzzle"));
        assertEquals(bundle.manifest.halting.maxSteps, ((List<?>) run.get("step_seconds")).size());
        assertEquals("a phone", ((Map<?, ?>) side.get("machine")).get("model"));
        bundle.close();
    }

    @Test
    public void thePythonToolsReadIt() throws Exception {
        for (String name : Arrays.asList("sudoku-4x4.fp32.onnx-step", "sudoku-4x4.fp32.onnx-loop")) {
            Bundle bundle = bundle(name);
            String interpreter = Python.interpreter();
            File file = scratch.newFile();
            String json = profiler(bundle, 2).rounds(3, 1).measure(null).toJson();
            Files.write(file.toPath(), json.getBytes(StandardCharsets.UTF_8));
            ProcessBuilder builder = new ProcessBuilder(
                    interpreter, "-m", "trm_edge", "profile", "--import", file.getPath());
            Process process = builder.redirectErrorStream(true).start();
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            InputStream output = process.getInputStream();
            for (int c = output.read(); c >= 0; c = output.read()) {
                said.write(c);
            }
            String text = new String(said.toByteArray(), StandardCharsets.UTF_8);
            assertEquals(text, 0, process.waitFor());
            assertTrue(text, text.contains("sudoku-4x4"));
            bundle.close();
        }
    }

    @Test
    public void aMeasurementCanBeStopped() {
        Bundle bundle = bundle("sudoku-4x4.fp32.onnx-step");
        try {
            profiler(bundle, 2).measure(new Profiler.Progress() {
                @Override
                public boolean onPuzzle(int done, int all) {
                    assertEquals(16, all);
                    return done < 3;
                }
            });
            fail("was not stopped");
        } catch (Cancelled expected) {
            bundle.close();
        }
    }

    @Test
    public void percentilesLieBetweenValues() {
        List<Double> values = Arrays.asList(4.0, 1.0, 2.0, 3.0);
        assertEquals(2.5, Profile.percentile(values, 0.5), 1e-12);
        assertEquals(3.7, Profile.percentile(values, 0.9), 1e-12);
        assertEquals(4, Profile.percentile(values, 1), 0);
        assertTrue(Double.isNaN(Profile.percentile(new ArrayList<Double>(), 0.5)));
    }
}
