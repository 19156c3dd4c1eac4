package edge.trm.engine;

import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.nio.FloatBuffer;
import org.pytorch.executorch.EValue;
import org.pytorch.executorch.Module;
import org.pytorch.executorch.Tensor;

/**
 * ExecuTorch's Module, with the methods of a real program: Python's ExecuTorch runs them (pte_worker.py), since there
 * is none for a desktop's JVM. Everything above the methods is what runs on a phone.
 */
final class PythonModule extends Module {
    private final Process process;
    private final DataOutputStream to;
    private final DataInputStream from;

    PythonModule(String interpreter, File program) throws IOException {
        ProcessBuilder builder =
                new ProcessBuilder(interpreter, "src/test/resources/pte_worker.py", program.getAbsolutePath());
        process = builder.redirectError(ProcessBuilder.Redirect.INHERIT).start();
        to = new DataOutputStream(new BufferedOutputStream(process.getOutputStream()));
        from = new DataInputStream(process.getInputStream());
    }

    @Override
    public String[] getMethods() {
        try {
            to.writeUTF("");
            to.flush();
            return from.readUTF().split(",");
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public EValue[] execute(String method, EValue... inputs) {
        try {
            to.writeUTF(method);
            to.writeInt(inputs.length);
            for (EValue input : inputs) {
                boolean whole = method.equals("embed");
                long[] shape = input.toTensor().shape();
                to.writeBoolean(whole);
                to.writeInt(shape.length);
                for (long size : shape) {
                    to.writeInt((int) size);
                }
                if (whole) {
                    for (int value : input.toTensor().getDataAsIntArray()) {
                        to.writeInt(value);
                    }
                } else {
                    for (float value : input.toTensor().getDataAsFloatArray()) {
                        to.writeFloat(value);
                    }
                }
            }
            to.flush();
            EValue[] outputs = new EValue[from.readInt()];
            for (int i = 0; i < outputs.length; i++) {
                float[] values = new float[from.readInt()];
                for (int k = 0; k < values.length; k++) {
                    values[k] = from.readFloat();
                }
                outputs[i] = EValue.from(Tensor.fromBlob(FloatBuffer.wrap(values), new long[] {values.length}));
            }
            return outputs;
        } catch (IOException error) {
            throw new IllegalStateException(error);
        }
    }

    @Override
    public void destroy() {
        process.destroy();
    }
}
