package edge.trm.bundle;

import edge.trm.json.Json;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.Map;

/** A manifest to test with: the base of tests/vectors/refusals.json, a step graph of sudoku-4x4. */
public final class Manifests {
    private Manifests() {}

    public static Manifest base() throws Exception {
        return Manifest.fromJson(Json.write(document()));
    }

    @SuppressWarnings("unchecked")
    public static Map<String, Object> document() throws Exception {
        String given = System.getenv("TRM_EDGE_VECTORS");
        File folder = new File(given == null ? "../../tests/vectors" : given);
        byte[] bytes = Files.readAllBytes(new File(folder, "refusals.json").toPath());
        Object document = Json.parse(new String(bytes, StandardCharsets.UTF_8));
        return (Map<String, Object>) ((Map<String, Object>) document).get("base");
    }
}
