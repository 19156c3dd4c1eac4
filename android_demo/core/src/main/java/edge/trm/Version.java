package edge.trm;

/** The version of this library, that of the Python package it belongs to. */
public final class Version {
    public static final String VERSION = "0.1.0";

    private Version() {}
}
