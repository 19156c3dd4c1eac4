package edge.trm.bundle;

import edge.trm.text.Show;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What {@code manifest.json} says: everything that must be known before the graph is opened. Read strictly and checked
 * as a whole, so every instance is coherent. Fields that are not known are ignored; a newer schema is refused. Knows
 * nothing about folders, archives or engines.
 */
public final class Manifest {
    public static final int SCHEMA_VERSION = 1;
    public static final String MANIFEST = "manifest.json";
    public static final String GOLDEN = "golden.json";
    public static final String MODEL_CARD = "model-card.md";

    static final int MAX_FILES = 64;
    static final long MAX_FILE_BYTES = 2L << 30;
    static final long MAX_BUNDLE_BYTES = 4L << 30;

    public final int schemaVersion;
    /** What people call the bundle. */
    public final String name;
    /** Id of the task: {@code Tasks.get(task)}. */
    public final String task;
    /** Tokens of one puzzle. */
    public final int seqLen;
    /** Token values are 0 to vocabSize - 1. */
    public final int vocabSize;
    public final Format format;
    public final GraphVariant graph;
    public final Precision precision;
    /** Id of the processor that the graph was made for. */
    public final String target;
    public final Evidence evidence;
    /** ISO 8601. */
    public final String created;
    /** Supervision steps of an unrolled graph; elsewhere the budget of the golden vectors. */
    public final int steps;
    public final Halting halting;
    public final List<TensorSpec> inputs;
    public final List<TensorSpec> outputs;
    /** Recurrent states, of step graphs only. */
    public final List<CarrySpec> carry;
    /** Original ids of the puzzle embeddings that were kept, in row order; empty: the model has none. */
    public final List<Integer> puzzles;
    /** Positions that the puzzle embedding takes before the tokens. */
    public final int puzzlePrefixLen;
    /** Which of the files is the graph. */
    public final String modelFile;
    /** Every other file of the bundle by name. */
    public final Map<String, FileEntry> files;
    /** The model's configuration, under its official names. */
    public final Map<String, Object> model;
    public final Map<String, Object> graphStats;
    /** Versions of what wrote the bundle. */
    public final Map<String, String> tools;
    /** Report of the last parity check, or null. */
    public final Map<String, Object> parity;
    /** Where the nodes of the graph ran on the target, or null. */
    public final Map<String, Object> placement;
    /** Measured latencies. */
    public final List<Map<String, Object>> latency;

    private Manifest(Fields data) {
        schemaVersion = data.integer("schema_version", 1);
        if (schemaVersion > SCHEMA_VERSION) { // before any other field: a newer schema may have renamed them
            throw new InvalidBundle(MANIFEST + ": written by a newer trm-edge (schema " + schemaVersion
                    + ", this reads " + SCHEMA_VERSION + "): upgrade");
        }
        Fields defaults = data.child("halting");
        name = data.text("name");
        task = data.text("task");
        seqLen = data.integer("seq_len", 1);
        vocabSize = data.integer("vocab_size", 2);
        format = choice(data, "format", Format.values());
        graph = choice(data, "graph", GraphVariant.values());
        precision = choice(data, "precision", Precision.values());
        target = data.text("target");
        evidence = choice(data, "evidence", Evidence.values());
        created = data.text("created");
        steps = data.integer("steps", 1);
        halting = new Halting(
                defaults.text("policy"),
                defaults.number("threshold"),
                defaults.integer("min_steps", 1),
                defaults.integer("max_steps", 1));
        inputs = tensors(data.children("inputs"));
        outputs = tensors(data.children("outputs"));
        carry = carry(data.children("carry"));
        puzzles = Collections.unmodifiableList(data.integers("puzzles"));
        puzzlePrefixLen = data.integer("puzzle_prefix_len", 0);
        modelFile = data.text("model_file");
        files = files(data);
        model = Collections.unmodifiableMap(data.object("model"));
        graphStats = Collections.unmodifiableMap(data.object("graph_stats"));
        tools = tools(data);
        parity = data.objectOrNull("parity");
        placement = data.has("placement") ? data.objectOrNull("placement") : null;
        latency = latency(data);
        String problem = problem();
        if (problem != null) {
            throw new InvalidBundle(MANIFEST + ": " + problem);
        }
        if (!files.containsKey(modelFile)) {
            throw new InvalidBundle(MANIFEST + ": model_file '" + modelFile + "' is not listed under 'files'");
        }
    }

    /**
     * Reads a document strictly.
     *
     * @throws InvalidBundle if it is not JSON, of a newer schema, or a field is missing, mistyped or incoherent; the
     *     message names the field
     */
    public static Manifest fromJson(String text) {
        return new Manifest(new Fields(Fields.parse(text, MANIFEST), MANIFEST, ""));
    }

    /** Whether the graph has the input {@code puzzle_ids}. */
    public boolean takesPuzzleIds() {
        for (TensorSpec spec : inputs) {
            if (spec.name.equals("puzzle_ids")) {
                return true;
            }
        }
        return false;
    }

    /** The batch size that is built into the graph, or null where it may vary. */
    public Integer fixedBatch() {
        for (TensorSpec spec : inputs) {
            if (spec.name.equals("tokens") && !(spec.shape.get(0) instanceof String)) {
                return spec.at(0)[0];
            }
        }
        return null;
    }

    /** The largest number that a state of this dtype holds if it is stored in integers (uint8, uint16), else 0. */
    public static int largestInteger(String dtype) {
        return Contract.largestInteger(dtype);
    }

    private String problem() {
        if (halting.maxSteps < halting.minSteps) {
            return "halting.max_steps " + halting.maxSteps + " is less than halting.min_steps " + halting.minSteps;
        }
        if (graph == GraphVariant.UNROLLED && halting.maxSteps > steps) {
            return "halting.max_steps " + halting.maxSteps + " exceeds the " + steps + " steps of the unrolled graph";
        }
        if (new HashSet<Integer>(puzzles).size() != puzzles.size()) {
            return "field 'puzzles' names an id twice";
        }
        if (!IsoDate.isDate(created)) {
            return "field 'created' must be an ISO 8601 date, not '" + created + "'";
        }
        String problem = filesProblem();
        return problem != null ? problem : Contract.problem(this);
    }

    private String filesProblem() {
        if (files.size() > MAX_FILES) {
            return "field 'files' lists " + files.size() + " files, at most " + MAX_FILES + " are allowed";
        }
        List<String> names = new ArrayList<String>();
        names.add(modelFile);
        names.addAll(files.keySet());
        for (String file : names) {
            String reason = Names.unsafe(file);
            if (reason != null) {
                return "unsafe file name " + Show.quoted(file) + ": " + reason;
            }
        }
        long declared = 0;
        Set<String> lower = new HashSet<String>();
        for (Map.Entry<String, FileEntry> file : files.entrySet()) {
            declared += file.getValue().bytes;
            lower.add(Names.lower(file.getKey()));
        }
        if (declared > MAX_BUNDLE_BYTES) {
            return "field 'files' declares " + declared + " bytes together, at most " + MAX_BUNDLE_BYTES
                    + " are allowed";
        }
        return lower.size() == files.size() ? null : "field 'files' holds names that differ only in case";
    }

    private static <E extends Choice> E choice(Fields data, String name, E[] members) {
        List<String> allowed = new ArrayList<String>();
        for (E member : members) {
            allowed.add(member.id());
        }
        return members[allowed.indexOf(data.choice(name, allowed))];
    }

    private static List<TensorSpec> tensors(List<Fields> items) {
        List<TensorSpec> specs = new ArrayList<TensorSpec>();
        for (Fields data : items) {
            List<Object> shape = new ArrayList<Object>();
            for (Object size : data.array("shape")) {
                boolean number = size instanceof Long ? (Long) size >= 1
                        : size instanceof BigInteger && ((BigInteger) size).signum() > 0;
                if (!number && !(size instanceof String && isIdentifier((String) size))) {
                    throw data.refusal("shape", "an array of sizes >= 1 and names");
                }
                boolean small = size instanceof Long && (Long) size <= Integer.MAX_VALUE;
                shape.add(small ? (Object) ((Long) size).intValue() : size);
            }
            if (!TensorSpec.DTYPES.contains(data.text("dtype"))) {
                throw data.refusal("dtype", "one of " + Show.joined(TensorSpec.DTYPES));
            }
            specs.add(new TensorSpec(data.text("name"), shape, data.text("dtype")));
        }
        return Collections.unmodifiableList(specs);
    }

    private static boolean isIdentifier(String text) {
        for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
            int c = text.codePointAt(at);
            boolean fits = at == 0
                    ? Character.isUnicodeIdentifierStart(c)
                    : Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c);
            if (!fits && c != '_') {
                return false;
            }
        }
        return !text.isEmpty();
    }

    private static List<CarrySpec> carry(List<Fields> items) {
        List<CarrySpec> states = new ArrayList<CarrySpec>();
        for (Fields data : items) {
            states.add(new CarrySpec(
                    data.text("input"),
                    data.text("output"),
                    data.numbers("init"),
                    data.has("scale") ? (Double) data.number("scale") : null,
                    data.has("zero_point") ? (Integer) data.integer("zero_point", 0) : null));
        }
        return Collections.unmodifiableList(states);
    }

    private static Map<String, FileEntry> files(Fields data) {
        Fields listing = data.child("files");
        Map<String, FileEntry> files = new LinkedHashMap<String, FileEntry>();
        for (String file : data.object("files").keySet()) {
            Fields entry = listing.child(file);
            String digest = entry.text("sha256");
            if (!digest.matches("[0-9a-f]{64}")) {
                throw entry.refusal("sha256", "64 lower-case hexadecimal digits");
            }
            files.put(file, new FileEntry(digest, entry.integer("bytes", 0, MAX_FILE_BYTES)));
        }
        return Collections.unmodifiableMap(files);
    }

    private static Map<String, String> tools(Fields data) {
        Fields tools = data.child("tools");
        Map<String, String> versions = new LinkedHashMap<String, String>();
        for (String tool : data.object("tools").keySet()) {
            versions.put(tool, tools.text(tool));
        }
        return Collections.unmodifiableMap(versions);
    }

    @SuppressWarnings("unchecked")
    private static List<Map<String, Object>> latency(Fields data) {
        List<Map<String, Object>> items = new ArrayList<Map<String, Object>>();
        for (Object item : data.array("latency")) {
            if (!(item instanceof Map)) {
                throw data.refusal("latency", "an array of objects");
            }
            items.add((Map<String, Object>) item);
        }
        return Collections.unmodifiableList(items);
    }
}
