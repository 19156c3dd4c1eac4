package edge.trm.engine;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import edge.trm.InvalidInput;
import edge.trm.bundle.Manifest;
import edge.trm.bundle.Manifests;
import edge.trm.json.Json;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import org.junit.Test;

/** What is picked, by the bundle and by what there is. */
public class ProvidersTest {
    private static final List<String> ALL =
            Arrays.asList(Providers.NNAPI, Providers.XNNPACK, Providers.QNN, Providers.CPU);

    private static Manifest with(String field, String value) throws Exception {
        Map<String, Object> document = Manifests.document();
        document.put(field, value);
        return Manifest.fromJson(Json.write(document));
    }

    private static List<String> names(Manifest manifest, List<String> available) {
        List<String> names = new ArrayList<String>();
        for (Providers.Choice choice : Providers.offers(manifest, available)) {
            names.add(choice.name);
            assertTrue(choice.reason.endsWith("."));
        }
        return names;
    }

    @Test
    public void theBundlesTargetComesFirst() throws Exception {
        Manifest npu = with("target", "qualcomm-npu");
        assertEquals(Providers.QNN, Providers.pick(npu, ALL).name);
        Providers.Choice without = Providers.pick(npu, Collections.singletonList(Providers.CPU));
        assertEquals(Providers.CPU, without.name);
        assertTrue(without.reason.contains("no QNN"));
        assertEquals(Arrays.asList(Providers.CPU, Providers.XNNPACK, Providers.NNAPI), names(with("name", "x"), ALL));
        assertEquals(Arrays.asList(Providers.CPU, Providers.NNAPI), names(with("precision", "w8a8"), ALL));
    }

    @Test
    public void whatIsNotOfferedIsRefused() throws Exception {
        try {
            Providers.named(Providers.QNN, with("name", "x"), ALL);
            fail("was given");
        } catch (InvalidInput error) {
            assertTrue(error.getMessage()
                    .startsWith("Unknown execution provider 'QNNExecutionProvider'. Allowed: CPU"));
        }
    }

    @Test
    public void thisOnnxRuntimeHasACpu() {
        assertTrue(Providers.available().contains(Providers.CPU));
    }
}
