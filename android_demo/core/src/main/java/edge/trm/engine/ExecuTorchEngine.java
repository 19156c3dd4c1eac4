package edge.trm.engine;

import edge.trm.InvalidInput;
import edge.trm.Refused;
import edge.trm.bundle.Bundle;
import edge.trm.bundle.CarrySpec;
import edge.trm.bundle.Format;
import edge.trm.bundle.GraphVariant;
import edge.trm.bundle.InvalidBundle;
import edge.trm.bundle.Manifest;
import edge.trm.bundle.TensorSpec;
import edge.trm.text.Show;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.pytorch.executorch.EValue;
import org.pytorch.executorch.Module;

/**
 * ExecuTorch ({@code org.pytorch.executorch}), for {@code .pte} programs: a few small methods, and the recursion of a
 * supervision step in the host. To the solver that is a step graph like any other. How often a step calls the methods
 * is in the manifest's model configuration. Compiled against ExecuTorch's signatures and tested with a stand-in for its
 * Module; it has not run on a phone yet.
 */
public final class ExecuTorchEngine extends Engine {
    private static final int MOST_CYCLES = 256;

    private final Module module;
    private final Integer threads;
    private final int cyclesH;
    private final int cyclesL;
    private final String networkH;
    private final long[] shape;
    // what the methods read in place
    private final FloatBuffer x;
    private final FloatBuffer stateH;
    private final FloatBuffer stateL;
    private final FloatBuffer injected;
    private final EValue valueH;
    private final EValue valueL;
    private final EValue valueInjected;

    ExecuTorchEngine(Manifest manifest, Module module, Integer threads) {
        super(manifest);
        this.module = module;
        this.threads = threads;
        cyclesH = setting(manifest, "H_cycles", 3, 1);
        cyclesL = setting(manifest, "L_cycles", 6, 1);
        boolean hrm = setting(manifest, "H_layers", 0, 0) > 0;
        networkH = hrm ? "network_H" : "network_L";
        compareMethods(module, hrm);
        TensorSpec state = find(manifest.inputs, "z_H");
        int[] sizes = state.at(manifest.fixedBatch());
        shape = new long[sizes.length];
        for (int i = 0; i < sizes.length; i++) {
            shape[i] = sizes[i];
        }
        x = floats(sizes);
        stateH = floats(sizes);
        stateL = floats(sizes);
        injected = floats(sizes);
        valueH = value(stateH);
        valueL = value(stateL);
        valueInjected = value(injected);
    }

    /**
     * Opens the program of a bundle.
     *
     * @param threads null: the library's own choice
     * @throws Refused a bundle of another format or layout, or an app without ExecuTorch
     * @throws InvalidBundle the program cannot be loaded, or is not what the manifest says
     */
    public static ExecuTorchEngine open(Bundle bundle, Integer threads) {
        if (threads != null && threads < 1) {
            throw new InvalidInput("threads must be at least 1, not " + threads);
        }
        check(bundle.manifest);
        String path = bundle.modelFile().getPath();
        try {
            Module module = Module.load(path, Module.LOAD_MODE_MMAP, threads == null ? 0 : threads);
            return new ExecuTorchEngine(bundle.manifest, module, threads);
        } catch (LinkageError error) { // no such class, or its native library is missing
            throw new Refused("This app has no ExecuTorch: add org.pytorch:executorch-android 1.0 or newer to it, or"
                    + " export the bundle with --format onnx", error);
        } catch (InvalidInput error) {
            throw error;
        } catch (RuntimeException error) { // what its native code throws
            throw new InvalidBundle("executorch cannot load '" + path + "': " + Show.oneLine(error), error);
        }
    }

    /** Refuses what no program can be, before any library is asked. */
    static void check(Manifest manifest) {
        if (manifest.format != Format.EXECUTORCH) {
            throw new Refused("executorch opens executorch programs, this bundle holds " + manifest.format.id());
        }
        if (manifest.graph != GraphVariant.STEP) {
            throw new Refused("executorch runs step graphs, this bundle holds " + manifest.graph.id()
                    + ": export it as a step");
        }
        if (manifest.fixedBatch() == null) {
            throw new InvalidBundle(
                    "The manifest's 'inputs' leave the batch open; an executorch program has a fixed one");
        }
        List<String> names = new ArrayList<String>();
        for (CarrySpec state : manifest.carry) {
            names.add(state.input);
        }
        if (!names.equals(Arrays.asList("z_H", "z_L"))) {
            throw new InvalidBundle("The manifest's 'carry' is " + Show.joined(names) + "; a program's is z_H, z_L");
        }
        String dtype = find(manifest.inputs, "z_H").dtype;
        if (!dtype.equals("float32")) {
            throw new Refused("This engine runs programs in float32, the states of this bundle are " + dtype
                    + ": export it for the target android");
        }
    }

    @Override
    public String runtime() {
        return "executorch";
    }

    @Override
    public String provider() {
        return "xnnpack";
    }

    @Override
    public Integer threads() {
        return threads;
    }

    @Override
    protected void compute(Map<String, Tensor> inputs, Map<String, Tensor> outputs) {
        put(x, call("embed", tokens(inputs))[0], "embed");
        put(stateH, inputs.get("z_H"));
        put(stateL, inputs.get("z_L"));
        for (int h = 0; h < cyclesH; h++) {
            for (int i = 0; i < x.capacity(); i++) { // the same for all latent updates of a cycle
                injected.put(i, stateH.get(i) + x.get(i));
            }
            for (int l = 0; l < cyclesL; l++) {
                put(stateL, call("network_L", valueL, valueInjected)[0], "network_L");
            }
            put(stateH, call(networkH, valueH, valueL)[0], networkH);
        }
        float[][] heads = call("heads", valueH);
        if (heads.length != 2) {
            throw new InvalidBundle("The program's method 'heads' gives " + heads.length + " tensors, not 2");
        }
        put(outputs.get("logits").buffer().asFloatBuffer(), heads[0], "heads");
        put(outputs.get("q_halt").buffer().asFloatBuffer(), heads[1], "heads");
        for (CarrySpec state : manifest.carry) {
            FloatBuffer last = state.input.equals("z_H") ? stateH : stateL;
            FloatBuffer target = outputs.get(state.output).buffer().asFloatBuffer();
            last.rewind();
            target.put(last);
            last.rewind();
        }
    }

    @Override
    protected void free() {
        module.destroy();
    }

    private float[][] call(String method, EValue... arguments) {
        try {
            EValue[] values = module.execute(method, arguments);
            float[][] found = new float[values.length][];
            for (int i = 0; i < values.length; i++) {
                found[i] = values[i].toTensor().getDataAsFloatArray(); // a copy: the memory is the program's
            }
            if (found.length == 0) {
                throw new InvalidBundle("executorch could not run '" + method + "': it gave nothing");
            }
            return found;
        } catch (InvalidBundle error) {
            throw error;
        } catch (RuntimeException error) {
            throw new InvalidBundle("executorch could not run '" + method + "': " + Show.oneLine(error), error);
        }
    }

    private EValue[] tokens(Map<String, Tensor> inputs) {
        List<EValue> values = new ArrayList<EValue>();
        for (String name : new String[] {"tokens", "puzzle_ids"}) {
            Tensor tensor = inputs.get(name);
            if (tensor != null) {
                IntBuffer numbers = tensor.buffer().asIntBuffer();
                int[] sizes = tensor.shape();
                long[] wide = new long[sizes.length];
                for (int i = 0; i < sizes.length; i++) {
                    wide[i] = sizes[i];
                }
                values.add(EValue.from(org.pytorch.executorch.Tensor.fromBlob(numbers, wide)));
            }
        }
        return values.toArray(new EValue[0]);
    }

    private EValue value(FloatBuffer numbers) {
        return EValue.from(org.pytorch.executorch.Tensor.fromBlob(numbers, shape));
    }

    private static FloatBuffer floats(int[] sizes) {
        return Tensor.zeros(DType.FLOAT32, sizes).buffer().asFloatBuffer();
    }

    private static void put(FloatBuffer target, Tensor source) {
        target.rewind();
        target.put(source.buffer().asFloatBuffer());
        target.rewind();
    }

    private static void put(FloatBuffer target, float[] source, String method) {
        if (source.length != target.capacity()) {
            throw new InvalidBundle("The program's method '" + method + "' gives " + source.length
                    + " numbers, its manifest says " + target.capacity());
        }
        target.rewind();
        target.put(source);
        target.rewind();
    }

    private static void compareMethods(Module module, boolean hrm) {
        TreeSet<String> given = new TreeSet<String>(Arrays.asList(module.getMethods()));
        TreeSet<String> wanted = new TreeSet<String>(Arrays.asList("embed", "heads", "network_L"));
        if (hrm) {
            wanted.add("network_H");
        }
        if (!given.equals(wanted)) {
            throw new InvalidBundle("The program's methods are " + Show.joined(given) + "; its manifest asks for "
                    + Show.joined(wanted));
        }
    }

    private static int setting(Manifest manifest, String name, int usual, int low) {
        Object value = manifest.model.containsKey(name) ? manifest.model.get(name) : (Object) (long) usual;
        if (!(value instanceof Long) || (Long) value < low || (Long) value > MOST_CYCLES) {
            throw new InvalidBundle("The manifest's 'model' does not say how often to call the methods: " + name + " = "
                    + Show.value(value) + " is out of range. Allowed: " + low + " to " + MOST_CYCLES + ".");
        }
        return ((Long) value).intValue();
    }

    private static TensorSpec find(List<TensorSpec> specs, String name) {
        for (TensorSpec spec : specs) {
            if (spec.name.equals(name)) {
                return spec;
            }
        }
        throw new InvalidBundle("The manifest's 'inputs' have no '" + name + "'");
    }
}
