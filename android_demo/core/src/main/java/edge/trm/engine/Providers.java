package edge.trm.engine;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtProvider;
import ai.onnxruntime.OrtSession;
import edge.trm.InvalidInput;
import edge.trm.bundle.GraphVariant;
import edge.trm.bundle.Manifest;
import edge.trm.bundle.Precision;
import edge.trm.text.Unknown;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * What computes a graph in ONNX Runtime: the CPU, XNNPACK, Qualcomm's NPU (QNN) or NNAPI, by what the bundle was made
 * for and what this ONNX Runtime has, each with its reason in words. Nothing here has been measured on a phone, so the
 * CPU, which the golden vectors were proven on, comes first unless the bundle was made for an NPU.
 */
public final class Providers {
    public static final String CPU = "CPUExecutionProvider";
    public static final String XNNPACK = "XnnpackExecutionProvider";
    public static final String QNN = "QNNExecutionProvider";
    public static final String NNAPI = "NnapiExecutionProvider";

    private static final String NPU_TARGET = "qualcomm-npu";

    private Providers() {}

    /** A provider, and why. */
    public static final class Choice {
        /** As ONNX Runtime names it. */
        public final String name;
        /** For people to read. */
        public final String reason;

        Choice(String name, String reason) {
            this.name = name;
            this.reason = reason;
        }

        void addTo(OrtSession.SessionOptions options, Integer threads) throws OrtException {
            Map<String, String> settings = new TreeMap<String, String>();
            if (name.equals(XNNPACK)) {
                if (threads != null) { // it has a pool of its own; one thread is left to ONNX Runtime's
                    settings.put("intra_op_num_threads", threads.toString());
                    options.setIntraOpNumThreads(1);
                    options.addConfigEntry("session.intra_op.allow_spinning", "0");
                }
                options.addXnnpack(settings);
            } else if (name.equals(QNN)) {
                settings.put("backend_path", "libQnnHtp.so");
                options.addQnn(settings);
            } else if (name.equals(NNAPI)) {
                options.addNnapi();
            }
        }
    }

    /** Names of the providers that this ONNX Runtime was built with. */
    public static List<String> available() {
        List<String> names = new ArrayList<String>();
        for (OrtProvider provider : OrtEnvironment.getAvailableProviders()) {
            names.add(provider.getName());
        }
        return names;
    }

    /** The first of {@link #offers}. */
    public static Choice pick(Manifest manifest, Collection<String> available) {
        return offers(manifest, available).get(0);
    }

    /**
     * A provider by name.
     *
     * @throws InvalidInput it is not among those that this bundle and this ONNX Runtime offer
     */
    public static Choice named(String name, Manifest manifest, Collection<String> available) {
        List<String> names = new ArrayList<String>();
        for (Choice choice : offers(manifest, available)) {
            names.add(choice.name);
            if (choice.name.equals(name)) {
                return choice;
            }
        }
        throw new InvalidInput(Unknown.name("execution provider", name, names));
    }

    /**
     * Providers that can run a bundle, the one to take first in front; the CPU is always among them.
     *
     * @param available what {@link #available} says
     */
    public static List<Choice> offers(Manifest manifest, Collection<String> available) {
        List<Choice> offers = new ArrayList<Choice>();
        boolean forNpu = manifest.target.equals(NPU_TARGET);
        boolean hasLoop = manifest.graph == GraphVariant.LOOP;
        if (forNpu && available.contains(QNN)) {
            offers.add(new Choice(QNN, "The bundle was made for Qualcomm's NPU, and this ONNX Runtime can use it."));
        }
        offers.add(new Choice(CPU, forNpu && offers.isEmpty()
                ? "The bundle was made for Qualcomm's NPU, but this ONNX Runtime has no QNN provider."
                : "Runs every bundle" + (forNpu ? ", without the NPU." : "; its answers were proven on it.")));
        if (available.contains(XNNPACK) && !hasLoop && manifest.precision == Precision.FP32) {
            offers.add(new Choice(XNNPACK, "Other kernels for float32 on the CPU; not measured yet."));
        }
        if (available.contains(NNAPI) && !hasLoop) {
            offers.add(new Choice(NNAPI, "Android's own interface to GPUs and NPUs, which Android 15 gave up."));
        }
        return Collections.unmodifiableList(offers);
    }
}
