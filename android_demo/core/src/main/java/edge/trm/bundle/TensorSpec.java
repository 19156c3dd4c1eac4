package edge.trm.bundle;

import edge.trm.text.Show;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/** Name, shape and dtype of one graph input or output. */
public final class TensorSpec {
    static final List<String> DTYPES = Collections.unmodifiableList(Arrays.asList(
            "float32", "float16", "int64", "int32", "int16", "uint16", "int8", "uint8", "bool"));

    public final String name;
    /** Whole numbers ({@code Integer}); a {@code String} names a size that varies ({@code "batch"}). */
    public final List<Object> shape;
    /** A numpy name: {@code float32}, {@code int32} ... */
    public final String dtype;

    TensorSpec(String name, List<Object> shape, String dtype) {
        this.name = name;
        this.shape = Collections.unmodifiableList(shape);
        this.dtype = dtype;
    }

    /** The sizes of a tensor of {@code batch} rows: every size that varies is the batch. */
    public int[] at(int batch) {
        int[] sizes = new int[shape.size()];
        for (int i = 0; i < sizes.length; i++) {
            Object size = shape.get(i);
            sizes[i] = size instanceof Integer ? (Integer) size : size instanceof String ? batch : Integer.MAX_VALUE;
        }
        return sizes;
    }

    boolean sameAs(TensorSpec other) {
        return name.equals(other.name) && shape.equals(other.shape) && dtype.equals(other.dtype);
    }

    @Override
    public String toString() {
        return dtype + " " + Show.value(shape);
    }
}
