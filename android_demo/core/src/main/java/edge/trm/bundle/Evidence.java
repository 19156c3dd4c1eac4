package edge.trm.bundle;

/** How a target is known to work. */
public enum Evidence implements Choice {
    /** Ran on the processor itself. */
    HARDWARE("hardware"),
    /** Ran on the vendor's simulator or an instruction-set emulator. */
    SIMULATOR("simulator"),
    /** Only lowered or compiled, never run. */
    COMPILED("compiled"),
    /** Written to its documentation; neither compiled nor run. */
    DECLARED("declared");

    private final String id;

    Evidence(String id) {
        this.id = id;
    }

    @Override
    public String id() {
        return id;
    }
}
