package org.pytorch.executorch;

/**
 * The signatures of ExecuTorch's Module that this library calls, as in {@code extension/android} of its sources (the
 * Java releases and the later Kotlin ones agree on them). Only compiled against: the app packages executorch-android.
 */
public class Module {
    public static final int LOAD_MODE_FILE = 0;
    public static final int LOAD_MODE_MMAP = 1;

    protected Module() {}

    public static Module load(String modelPath, int loadMode, int numThreads) {
        throw new UnsatisfiedLinkError("executorch-android is not part of this app");
    }

    public EValue[] execute(String methodName, EValue... inputs) {
        throw new UnsatisfiedLinkError("executorch-android is not part of this app");
    }

    public String[] getMethods() {
        throw new UnsatisfiedLinkError("executorch-android is not part of this app");
    }

    public void destroy() {}
}
