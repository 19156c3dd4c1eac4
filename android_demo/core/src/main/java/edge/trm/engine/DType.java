package edge.trm.engine;

/** Number formats of tensors, under their numpy names. */
public enum DType {
    FLOAT32("float32", 4),
    FLOAT16("float16", 2),
    INT64("int64", 8),
    INT32("int32", 4),
    INT16("int16", 2),
    UINT16("uint16", 2),
    INT8("int8", 1),
    UINT8("uint8", 1),
    BOOL("bool", 1);

    /** The name in a manifest. */
    public final String id;
    /** Bytes of one number. */
    public final int bytes;

    DType(String id, int bytes) {
        this.id = id;
        this.bytes = bytes;
    }

    /** The format of a manifest's name. */
    public static DType of(String id) {
        for (DType dtype : values()) {
            if (dtype.id.equals(id)) {
                return dtype;
            }
        }
        throw new IllegalArgumentException(id);
    }
}
