package edge.trm.app;

import ai.onnxruntime.OrtEnvironment;
import edge.trm.bundle.Bundle;
import edge.trm.engine.Engine;
import edge.trm.engine.Engines;

/** A bundle with its engine, which is opened when it is first needed: looking at puzzles needs none. For one thread. */
final class OpenBundle {
    final Bundle bundle;
    private Engine engine;

    OpenBundle(Bundle bundle) {
        this.bundle = bundle;
    }

    /**
     * The engine, with the threads and the provider of its own choice.
     *
     * @throws edge.trm.TrmEdgeException the graph cannot be opened
     * @throws LinkageError the APK was built without the engine
     */
    Engine engine() {
        if (engine == null) {
            engine = Engines.open(bundle);
        }
        return engine;
    }

    /** Frees both; null is fine. */
    static void close(OpenBundle opened) {
        if (opened != null) {
            if (opened.engine != null) {
                opened.engine.close();
            }
            opened.bundle.close();
        }
    }

    /** Version of ONNX Runtime; null: it is not in this APK. */
    static String engineVersion() {
        try {
            return OrtEnvironment.getEnvironment().getVersion();
        } catch (LinkageError | RuntimeException missing) {
            return null;
        }
    }
}
