package edge.trm.engine;

import edge.trm.text.Show;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Numbers of one format in a direct buffer, in the machine's byte order (little-endian wherever this runs), row by row.
 * Engines read and write the buffer in place. The first axis is the batch: {@link #rows} gives a part of it.
 */
public final class Tensor {
    public final DType dtype;

    private final int[] shape;
    private final ByteBuffer data;

    private Tensor(DType dtype, int[] shape, ByteBuffer data) {
        this.dtype = dtype;
        this.shape = shape;
        this.data = data.order(ByteOrder.nativeOrder());
    }

    /** A tensor of zeros. */
    public static Tensor zeros(DType dtype, int... shape) {
        long bytes = dtype.bytes;
        for (int size : shape) {
            bytes = Math.multiplyExact(bytes, (long) size);
        }
        if (bytes > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("a tensor of more than 2 GiB: " + dtype.id + " " + Show.list(shape));
        }
        ByteBuffer data = ByteBuffer.allocateDirect((int) bytes).order(ByteOrder.nativeOrder());
        return new Tensor(dtype, shape.clone(), data);
    }

    /** Sizes (a copy). */
    public int[] shape() {
        return shape.clone();
    }

    /** Number of values. */
    public int size() {
        return data.capacity() / dtype.bytes;
    }

    /** The memory itself, from its beginning to its end, in the machine's byte order. */
    public ByteBuffer buffer() {
        ByteBuffer whole = data.duplicate().order(ByteOrder.nativeOrder());
        whole.clear();
        return whole;
    }

    /** The first {@code count} rows; the memory is shared. */
    public Tensor rows(int count) {
        if (count == shape[0]) {
            return this;
        }
        int[] sizes = shape.clone();
        sizes[0] = count;
        ByteBuffer part = buffer();
        part.limit(data.capacity() / shape[0] * count);
        return new Tensor(dtype, sizes, part.slice());
    }

    /** Copies one row over another, which may be of another tensor of the same format. */
    public void copyRow(int row, Tensor from, int fromRow) {
        int bytes = data.capacity() / shape[0];
        ByteBuffer source = from.buffer();
        source.position(fromRow * bytes).limit((fromRow + 1) * bytes);
        ByteBuffer target = buffer();
        target.position(row * bytes);
        target.put(source.slice());
    }

    /** One number, whatever its format: integers are as stored, without a scale. */
    public float get(int index) {
        int at = index * dtype.bytes;
        switch (dtype) {
            case FLOAT32:
                return data.getFloat(at);
            case FLOAT16:
                return Half.toFloat(data.getShort(at));
            default:
                return getLong(index);
        }
    }

    /** One whole number. */
    public long getLong(int index) {
        int at = index * dtype.bytes;
        switch (dtype) {
            case INT64:
                return data.getLong(at);
            case INT32:
                return data.getInt(at);
            case INT16:
                return data.getShort(at);
            case UINT16:
                return data.getShort(at) & 0xffff;
            case INT8:
                return data.get(at);
            case UINT8:
            case BOOL:
                return data.get(at) & 0xff;
            default:
                throw new IllegalStateException(dtype.id + " are no whole numbers");
        }
    }

    /** Stores one number in this tensor's format; whole numbers are as they are stored, without a scale. */
    public void set(int index, double value) {
        int at = index * dtype.bytes;
        switch (dtype) {
            case FLOAT32:
                data.putFloat(at, (float) value);
                break;
            case FLOAT16:
                data.putShort(at, Half.of((float) value));
                break;
            case INT64:
                data.putLong(at, (long) value);
                break;
            case INT32:
                data.putInt(at, (int) value);
                break;
            case INT16:
            case UINT16:
                data.putShort(at, (short) (int) value);
                break;
            default:
                data.put(at, (byte) (int) value);
                break;
        }
    }

    @Override
    public String toString() {
        return dtype.id + " " + Show.list(shape);
    }
}
