package edge.trm.vectors;

import static org.junit.Assert.fail;

import edge.trm.TrmEdgeException;
import edge.trm.json.Json;
import java.io.File;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/**
 * The cases of one file of vectors, replayed one by one: which were, is written to the file that TRM_EDGE_REPLAYED
 * names (tests/vectors/README.md). A case that fails does not end the others.
 */
final class Vectors {
    private static final TreeSet<String> REPLAYED = new TreeSet<String>();

    final Map<String, Object> document;

    private final String name;
    private final List<String> failures = new ArrayList<String>();

    /** What a case must do. */
    interface Case {
        void replay(Map<String, Object> given) throws Exception;
    }

    /** What must be refused. */
    interface Action {
        void run() throws Exception;
    }

    Vectors(File folder, String name) throws Exception {
        this.name = name;
        document = object(read(new File(folder, name)));
    }

    static File folder() {
        String given = System.getenv("TRM_EDGE_VECTORS");
        return new File(given == null ? "../../tests/vectors" : given);
    }

    /** The folder that make.py wrote, or null. */
    static File fixtures() {
        String given = System.getenv("TRM_EDGE_FIXTURES");
        return given == null ? null : new File(given);
    }

    static Object read(File file) throws Exception {
        return Json.parse(new String(Files.readAllBytes(file.toPath()), StandardCharsets.UTF_8));
    }

    @SuppressWarnings("unchecked")
    static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    static List<?> list(Object value) {
        return (List<?>) value;
    }

    /** Replays a section; its items are objects, or texts, which come as {@code text}; entries as {@code key}, too. */
    void section(String section, Case action) throws Exception {
        Object items = document.get(section);
        List<Map<String, Object>> cases = new ArrayList<Map<String, Object>>();
        if (items instanceof Map) {
            for (Map.Entry<String, Object> entry : object(items).entrySet()) {
                Map<String, Object> one = new LinkedHashMap<String, Object>();
                one.put("key", entry.getKey());
                one.put("text", entry.getValue());
                cases.add(one);
            }
        } else {
            for (Object item : list(items)) {
                Map<String, Object> one = new LinkedHashMap<String, Object>();
                one.put("text", item);
                cases.add(item instanceof Map ? object(item) : one);
            }
        }
        for (int number = 0; number < cases.size(); number++) {
            Map<String, Object> one = cases.get(number);
            Object named = one.containsKey("name") ? one.get("name") : number;
            String id = name + "/" + section + "/" + named;
            if (one.containsKey("only") && !list(one.get("only")).contains("java")) {
                continue;
            }
            try {
                action.replay(one);
                REPLAYED.add(id);
            } catch (Exception error) {
                failures.add(id + ": " + error);
            } catch (AssertionError error) {
                failures.add(id + ": " + error.getMessage());
            }
        }
    }

    /** Fails if a case did, and writes what was replayed so far. */
    void done() throws Exception {
        String file = System.getenv("TRM_EDGE_REPLAYED");
        if (file != null) {
            Files.write(new File(file).toPath(), Json.write(REPLAYED).getBytes(StandardCharsets.UTF_8));
        }
        if (!failures.isEmpty()) {
            StringBuilder lines = new StringBuilder(failures.size() + " cases failed:");
            for (String failure : failures) {
                lines.append("\n  ").append(failure);
            }
            fail(lines.toString());
        }
    }

    /** That an action is refused in one line that says what the case asks for. */
    static void refused(Map<String, Object> given, Action action) throws Exception {
        try {
            action.run();
        } catch (TrmEdgeException error) {
            String line = error.getMessage();
            if (given.containsKey("says") && !line.contains((String) given.get("says"))) {
                throw new AssertionError("says " + line + " instead of " + given.get("says"));
            }
            if (line.indexOf('\n') >= 0) {
                throw new AssertionError("says more than a line: " + line);
            }
            return;
        }
        throw new AssertionError("was not refused");
    }

    // -- changes to a document (RFC 6901) ----------------------------------------------------

    /** The base with a case's changes, as text. */
    String changed(Map<String, Object> given) throws Exception {
        Object base = Json.parse(Json.write(document.get("base")));
        if (given.containsKey("set")) {
            for (Map.Entry<String, Object> change : object(given.get("set")).entrySet()) {
                base = change.getKey().isEmpty() ? change.getValue() : set(base, change.getKey(), change.getValue());
            }
        }
        if (given.containsKey("remove")) {
            for (Object pointer : list(given.get("remove"))) {
                remove(base, (String) pointer);
            }
        }
        return Json.write(base);
    }

    /** The base's text with a case's replacement, once. */
    String replaced(Map<String, Object> given) {
        String text = (String) document.get("base_text");
        String find = (String) given.get("find");
        int at = text.indexOf(find);
        if (at < 0) {
            throw new IllegalStateException("no " + find + " in base_text");
        }
        return text.substring(0, at) + given.get("put") + text.substring(at + find.length());
    }

    @SuppressWarnings("unchecked")
    private static Object set(Object base, String pointer, Object value) {
        Object parent = parent(base, pointer);
        if (parent instanceof List) {
            List<Object> items = (List<Object>) parent;
            if (last(pointer).equals("-") || Integer.parseInt(last(pointer)) == items.size()) {
                items.add(value);
            } else {
                items.set(Integer.parseInt(last(pointer)), value);
            }
        } else {
            ((Map<String, Object>) parent).put(last(pointer), value);
        }
        return base;
    }

    private static void remove(Object base, String pointer) {
        Object parent = parent(base, pointer);
        if (parent instanceof List) {
            ((List<?>) parent).remove(Integer.parseInt(last(pointer)));
        } else {
            ((Map<?, ?>) parent).remove(last(pointer));
        }
    }

    private static Object parent(Object base, String pointer) {
        Object at = base;
        String[] parts = pointer.substring(1).split("/", -1);
        for (int i = 0; i < parts.length - 1; i++) {
            String part = parts[i].replace("~1", "/").replace("~0", "~");
            at = at instanceof List ? list(at).get(Integer.parseInt(part)) : ((Map<?, ?>) at).get(part);
        }
        return at;
    }

    private static String last(String pointer) {
        return pointer.substring(pointer.lastIndexOf('/') + 1).replace("~1", "/").replace("~0", "~");
    }
}
