package edge.trm.engine;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import edge.trm.InvalidInput;
import edge.trm.Refused;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.Format;
import edge.trm.bundle.InvalidBundle;
import edge.trm.bundle.TensorSpec;
import edge.trm.text.Show;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * ONNX Runtime ({@code ai.onnxruntime}, the same on the desktop and on Android). Tensors are read and written where
 * they lie: inputs and outputs are direct buffers, so a state goes from output to input without a copy (but uint16, see
 * Uint16). Release 1.26 sends no telemetry; from 1.29 on it does unless {@code ORT_DISABLE_TELEMETRY=1} is in the
 * environment before it loads.
 */
public final class OrtEngine extends Engine {
    private final OrtEnvironment environment;
    private final OrtSession session;
    private final Providers.Choice provider;
    private final Integer threads;
    private final Uint16 uint16;

    private OrtEngine(
            Bundle bundle, OrtEnvironment environment, OrtSession session, Providers.Choice provider, Integer threads)
            throws OrtException {
        super(bundle.manifest);
        this.environment = environment;
        this.session = session;
        this.provider = provider;
        this.threads = threads;
        uint16 = new Uint16(environment);
    }

    /**
     * Opens the graph of a bundle.
     *
     * @param threads for one call; null: the library's own choice
     * @param provider what computes; null: {@link Providers#pick}
     * @throws InvalidInput threads below 1
     * @throws Refused a bundle of another format, or what this API cannot feed
     * @throws InvalidBundle the graph cannot be loaded, or is not what the manifest says
     */
    public static OrtEngine open(Bundle bundle, Integer threads, Providers.Choice provider) {
        if (threads != null && threads < 1) {
            throw new InvalidInput("threads must be at least 1, not " + threads);
        }
        if (bundle.manifest.format != Format.ONNX) {
            throw new Refused("onnxruntime opens onnx graphs, this bundle holds " + bundle.manifest.format.id());
        }
        OrtEnvironment environment = OrtEnvironment.getEnvironment();
        Providers.Choice choice = provider == null ? Providers.pick(bundle.manifest, Providers.available()) : provider;
        OrtSession session = null;
        boolean opened = false;
        try {
            environment.setTelemetry(false);
            OrtSession.SessionOptions options = new OrtSession.SessionOptions();
            try {
                options.setOptimizationLevel(OrtSession.SessionOptions.OptLevel.ALL_OPT);
                options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
                if (threads != null) {
                    options.setIntraOpNumThreads(threads);
                }
                choice.addTo(options, threads);
                session = environment.createSession(bundle.modelFile().getPath(), options);
            } finally {
                options.close();
            }
            compare("input", session.getInputInfo(), bundle.manifest.inputs);
            compare("output", session.getOutputInfo(), bundle.manifest.outputs);
            OrtEngine engine = new OrtEngine(bundle, environment, session, choice, threads);
            opened = true;
            return engine;
        } catch (OrtException error) {
            throw new InvalidBundle(
                    "onnxruntime cannot load '" + bundle.modelFile().getPath() + "': " + Show.oneLine(error), error);
        } finally {
            if (!opened && session != null) {
                close(session);
            }
        }
    }

    @Override
    public String runtime() {
        return "onnxruntime " + environment.getVersion();
    }

    @Override
    public String provider() {
        return provider.name;
    }

    @Override
    public Integer threads() {
        return threads;
    }

    @Override
    protected void compute(Map<String, Tensor> inputs, Map<String, Tensor> outputs) {
        List<OnnxTensor> open = new ArrayList<OnnxTensor>();
        try {
            Map<String, OnnxTensor> given = new LinkedHashMap<String, OnnxTensor>();
            for (Map.Entry<String, Tensor> input : inputs.entrySet()) {
                boolean castIt = input.getValue().dtype == DType.UINT16;
                OnnxTensor value = castIt ? uint16.of(input.getValue()) : wrap(input.getValue());
                open.add(value);
                given.put(input.getKey(), value);
            }
            Map<String, OnnxTensor> pinned = new LinkedHashMap<String, OnnxTensor>();
            Set<String> fetched = new LinkedHashSet<String>();
            for (Map.Entry<String, Tensor> output : outputs.entrySet()) {
                if (output.getValue().dtype == DType.UINT16) {
                    fetched.add(output.getKey());
                } else {
                    OnnxTensor value = wrap(output.getValue());
                    open.add(value);
                    pinned.put(output.getKey(), value);
                }
            }
            OrtSession.Result result = session.run(given, fetched, pinned);
            try {
                for (String name : fetched) {
                    OnnxTensor value = (OnnxTensor) result.get(name).get();
                    outputs.get(name).buffer().asShortBuffer().put(value.getShortBuffer());
                }
            } finally {
                result.close();
            }
        } catch (OrtException error) {
            throw new InvalidBundle("onnxruntime could not run the graph: " + Show.oneLine(error), error);
        } finally {
            for (OnnxTensor tensor : open) {
                tensor.close();
            }
        }
    }

    @Override
    protected void free() {
        close(session);
        uint16.close();
    }

    private OnnxTensor wrap(Tensor tensor) throws OrtException {
        return OnnxTensor.createTensor(environment, tensor.buffer(), sizes(tensor), type(tensor.dtype));
    }

    static long[] sizes(Tensor tensor) {
        int[] shape = tensor.shape();
        long[] sizes = new long[shape.length];
        for (int i = 0; i < shape.length; i++) {
            sizes[i] = shape[i];
        }
        return sizes;
    }

    private static OnnxJavaType type(DType dtype) {
        switch (dtype) {
            case FLOAT32:
                return OnnxJavaType.FLOAT;
            case FLOAT16:
                return OnnxJavaType.FLOAT16;
            case INT64:
                return OnnxJavaType.INT64;
            case INT32:
                return OnnxJavaType.INT32;
            case UINT8:
                return OnnxJavaType.UINT8;
            default:
                throw new Refused("ONNX Runtime's Java API is not used with " + dtype.id + " tensors here");
        }
    }

    /** Refuses a graph whose tensors are not those of its manifest. Sizes that vary are not compared. */
    private static void compare(String kind, Map<String, NodeInfo> nodes, List<TensorSpec> specs) {
        TreeSet<String> stated = new TreeSet<String>();
        for (TensorSpec spec : specs) {
            stated.add(spec.name);
        }
        TreeSet<String> given = new TreeSet<String>(nodes.keySet());
        if (!given.equals(stated)) {
            throw new InvalidBundle(
                    "The graph's " + kind + "s are " + Show.joined(given) + ": not what its manifest says");
        }
        for (TensorSpec spec : specs) {
            Object info = nodes.get(spec.name).getInfo();
            if (!(info instanceof TensorInfo)) {
                throw new InvalidBundle("The graph's " + kind + " '" + spec.name + "' is no tensor");
            }
            TensorInfo tensor = (TensorInfo) info;
            if (!name(tensor).equals(spec.dtype) || !sizesFit(tensor.getShape(), spec.shape)) {
                throw new InvalidBundle("The graph's " + kind + " '" + spec.name + "' is " + name(tensor) + " "
                        + Show.value(sizes(tensor)) + ", its manifest says " + spec);
            }
        }
    }

    /** The numpy name of a graph's number format. */
    private static String name(TensorInfo tensor) {
        String name = tensor.onnxType.name().replace("ONNX_TENSOR_ELEMENT_DATA_TYPE_", "").toLowerCase(Locale.ROOT);
        return name.equals("float") ? "float32" : name;
    }

    private static boolean sizesFit(long[] given, List<Object> stated) {
        boolean fits = given.length == stated.size();
        for (int i = 0; fits && i < given.length; i++) {
            boolean fixed = given[i] >= 0 && stated.get(i) instanceof Integer;
            fits = !fixed || given[i] == (Integer) stated.get(i);
        }
        return fits;
    }

    private static List<Object> sizes(TensorInfo tensor) {
        List<Object> sizes = new ArrayList<Object>();
        for (int i = 0; i < tensor.getShape().length; i++) {
            boolean fixed = tensor.getShape()[i] >= 0;
            sizes.add(fixed ? (Object) tensor.getShape()[i] : tensor.getDimensionNames()[i]);
        }
        return sizes;
    }

    private static void close(OrtSession session) {
        try {
            session.close();
        } catch (OrtException error) {
            throw new IllegalStateException(error); // thrown for a second close only
        }
    }
}
