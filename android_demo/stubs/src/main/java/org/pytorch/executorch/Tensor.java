package org.pytorch.executorch;

import java.nio.Buffer;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;

/** The signatures of ExecuTorch's Tensor that this library calls, with enough behind them for tests; see Module. */
public abstract class Tensor {
    private final Buffer data;
    private final long[] shape;

    private Tensor(Buffer data, long[] shape) {
        this.data = data;
        this.shape = shape.clone();
    }

    /** Of a direct buffer in native order, which is not copied. */
    public static Tensor fromBlob(FloatBuffer data, long[] shape) {
        return new Tensor(data, shape) {};
    }

    /** Of a direct buffer in native order, which is not copied. */
    public static Tensor fromBlob(IntBuffer data, long[] shape) {
        return new Tensor(data, shape) {};
    }

    public long[] shape() {
        return shape.clone();
    }

    public float[] getDataAsFloatArray() {
        FloatBuffer floats = ((FloatBuffer) data).duplicate();
        floats.rewind();
        float[] copy = new float[floats.remaining()];
        floats.get(copy);
        return copy;
    }

    public int[] getDataAsIntArray() {
        IntBuffer ints = ((IntBuffer) data).duplicate();
        ints.rewind();
        int[] copy = new int[ints.remaining()];
        ints.get(copy);
        return copy;
    }
}
