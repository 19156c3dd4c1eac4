package edge.trm.bundle;

/** File format of the exported graph. */
public enum Format implements Choice {
    ONNX("onnx"),
    EXECUTORCH("executorch");

    private final String id;

    Format(String id) {
        this.id = id;
    }

    @Override
    public String id() {
        return id;
    }
}
