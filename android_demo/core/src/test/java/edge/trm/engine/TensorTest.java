package edge.trm.engine;

import static org.junit.Assert.assertArrayEquals;
import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import edge.trm.InvalidInput;
import edge.trm.bundle.Manifest;
import edge.trm.bundle.Manifests;
import edge.trm.json.Json;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** Numbers in direct memory, and what an engine checks of them. */
public class TensorTest {
    @Test
    public void halfPrecisionRoundsToEvenAndReadsBack() {
        for (int bits = 0; bits < 0x10000; bits++) {
            float value = Half.toFloat((short) bits);
            if (!Float.isNaN(value)) {
                assertEquals(bits, Half.of(value) & 0xffff);
            }
        }
        float[][] cases = {{0.1f, 0x2e66}, {65504, 0x7bff}, {65519, 0x7bff}, {65520, 0x7c00}, {-1e9f, 0xfc00},
            {1 + 1f / 2048, 0x3c00}, {1 + 3f / 2048, 0x3c02}, {1e-8f, 0}, {3e-8f, 1}, {6.1e-5f, 0x03ff}};
        for (float[] one : cases) {
            assertEquals(one[0] + "", (int) one[1], Half.of(one[0]) & 0xffff);
        }
        assertTrue(Float.isNaN(Half.toFloat(Half.of(Float.NaN))));
    }

    @Test
    public void everyFormatKeepsItsNumbers() {
        for (DType dtype : DType.values()) {
            Tensor tensor = Tensor.zeros(dtype, 2, 3);
            tensor.set(4, 1);
            assertEquals(1, tensor.get(4), 0);
            assertEquals(0, tensor.get(3), 0);
            assertEquals(6 * dtype.bytes, tensor.buffer().remaining());
            assertTrue(tensor.buffer().isDirect());
        }
        Tensor wide = Tensor.zeros(DType.UINT16, 1);
        wide.set(0, 65535);
        assertEquals(65535, wide.getLong(0));
        Tensor bytes = Tensor.zeros(DType.UINT8, 1);
        bytes.set(0, 255);
        assertEquals(255, bytes.getLong(0));
    }

    @Test
    public void rowsShareMemoryAndAreCopied() {
        Tensor tensor = Tensor.zeros(DType.INT32, 3, 2);
        for (int i = 0; i < 6; i++) {
            tensor.set(i, i);
        }
        Tensor first = tensor.rows(2);
        first.set(0, 9);
        assertEquals(9, tensor.getLong(0));
        assertArrayEquals(new int[] {2, 2}, first.shape());
        tensor.copyRow(0, tensor, 2);
        assertEquals(4, first.getLong(0));
        assertEquals(5, first.getLong(1));
    }

    @Test
    public void statesStartAtTheManifestsVector() throws Exception {
        Map<String, Tensor> carry = new FakeEngine(Manifests.base()).initialCarry(2);
        assertEquals("float32 [2, 17, 2]", carry.get("z_H").toString());
        for (int i = 0; i < carry.get("z_H").size(); i++) {
            assertEquals(i % 2 == 0 ? 0.5 : -0.25, carry.get("z_H").get(i), 0);
        }
    }

    @Test
    @SuppressWarnings("unchecked")
    public void integerStatesAreRoundedToEvenAndClipped() throws Exception {
        Map<String, Object> document = Manifests.document();
        for (String field : Arrays.asList("inputs", "outputs")) {
            for (Object item : (List<Object>) document.get(field)) {
                Map<String, Object> tensor = (Map<String, Object>) item;
                if (((String) tensor.get("name")).startsWith("z_")) {
                    tensor.put("dtype", "uint8");
                }
            }
        }
        for (Object item : (List<Object>) document.get("carry")) {
            Map<String, Object> state = (Map<String, Object>) item;
            state.put("init", Arrays.<Object>asList(0.25, 1000.0));
            state.put("scale", 0.5);
            state.put("zero_point", 10);
        }
        Map<String, Tensor> carry = new FakeEngine(Manifest.fromJson(Json.write(document))).initialCarry(1);
        assertEquals("0.25 / 0.5 is half, rounded to even", 10, carry.get("z_L").getLong(0));
        assertEquals(255, carry.get("z_L").getLong(1));
        assertEquals(10, carry.get("z_L").getLong(32));
    }

    @Test
    public void uint16ReachesOnnxRuntimeAsItIs() throws Exception {
        Tensor tensor = Tensor.zeros(DType.UINT16, 2, 2);
        int[] values = {0, 1, 32768, 65535};
        for (int i = 0; i < 4; i++) {
            tensor.set(i, values[i]);
        }
        Uint16 uint16 = new Uint16(OrtEnvironment.getEnvironment());
        OnnxTensor made = uint16.of(tensor);
        assertEquals("ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT16", made.getInfo().onnxType.name());
        assertArrayEquals(new long[] {2, 2}, made.getInfo().getShape());
        for (int i = 0; i < 4; i++) {
            assertEquals(values[i], made.getShortBuffer().get(i) & 0xffff);
        }
        made.close();
        uint16.close();
    }

    @Test
    public void inputsAreChecked() throws Exception {
        FakeEngine engine = new FakeEngine(Manifests.base());
        Map<String, Tensor> inputs = new LinkedHashMap<String, Tensor>(engine.initialCarry(1));
        refused(engine, inputs, "Input 'tokens' must be a batch of at least 1 puzzle: int32 [batch, seq_len]");
        inputs.put("tokens", Tensor.zeros(DType.INT32, 1, 16));
        refused(engine, inputs, "The graph takes exactly tokens, puzzle_ids, z_H, z_L, not z_H, z_L, tokens");
        inputs.put("puzzle_ids", Tensor.zeros(DType.INT64, 1));
        refused(engine, inputs, "Input 'puzzle_ids' must be int32 [1], not int64 [1]");
        inputs.put("puzzle_ids", Tensor.zeros(DType.INT32, 1));
        inputs.get("tokens").set(3, 6);
        refused(engine, inputs, "Input 'tokens' must lie in 0..5, it holds 0..6");
        inputs.get("tokens").set(3, 5);
        assertEquals(4, engine.infer(inputs).size());
    }

    private static void refused(Engine engine, Map<String, Tensor> inputs, String line) {
        try {
            engine.infer(inputs);
            fail("took them");
        } catch (InvalidInput error) {
            assertEquals(line, error.getMessage());
        }
    }
}
