package edge.trm.engine;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.IntBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Collections;

/**
 * Tensors of uint16 for ONNX Runtime, whose Java API reads them (as short) but makes none: a graph of one Cast makes
 * them from int32. It is opened when the first is asked for.
 */
final class Uint16 {
    private static final int INT32 = 6;
    private static final int UINT16 = 4;
    private static final int IR_VERSION = 8;
    private static final int OPSET = 18;
    private static final int ATTRIBUTE_INT = 2;

    private final OrtEnvironment environment;
    private OrtSession cast;

    Uint16(OrtEnvironment environment) {
        this.environment = environment;
    }

    /** A copy of a tensor; the caller closes it. */
    OnnxTensor of(Tensor tensor) throws OrtException {
        if (cast == null) {
            OrtSession.SessionOptions options = new OrtSession.SessionOptions();
            try {
                options.setIntraOpNumThreads(1);
                cast = environment.createSession(graph(), options);
            } finally {
                options.close();
            }
        }
        IntBuffer wide = ByteBuffer.allocateDirect(4 * tensor.size()).order(ByteOrder.nativeOrder()).asIntBuffer();
        for (int i = 0; i < tensor.size(); i++) {
            wide.put(i, (int) tensor.getLong(i));
        }
        OnnxTensor given = OnnxTensor.createTensor(environment, wide, OrtEngine.sizes(tensor));
        try {
            return (OnnxTensor) cast.run(Collections.singletonMap("x", given)).get(0); // it lives on its own
        } finally {
            given.close();
        }
    }

    void close() {
        if (cast != null) {
            try {
                cast.close();
            } catch (OrtException error) {
                throw new IllegalStateException(error); // thrown for a second close only
            }
        }
    }

    // -- the graph, as protocol buffers (onnx.proto) -----------------------------------------
    private static byte[] graph() {
        byte[] to = message(text(1, "to"), number(3, UINT16), number(20, ATTRIBUTE_INT));
        byte[] node = message(text(1, "x"), text(2, "y"), text(4, "Cast"), bytes(5, to));
        byte[] graph = message(
                bytes(1, node), text(2, "cast"), bytes(11, value("x", INT32)), bytes(12, value("y", UINT16)));
        return message(number(1, IR_VERSION), bytes(7, graph), bytes(8, number(2, OPSET)));
    }

    private static byte[] value(String name, int type) {
        return message(text(1, name), bytes(2, bytes(1, number(1, type))));
    }

    private static byte[] message(byte[]... fields) {
        ByteArrayOutputStream message = new ByteArrayOutputStream();
        for (byte[] field : fields) {
            message.write(field, 0, field.length);
        }
        return message.toByteArray();
    }

    private static byte[] number(int field, int value) {
        return message(varint(field << 3), varint(value));
    }

    private static byte[] text(int field, String value) {
        return bytes(field, value.getBytes(StandardCharsets.US_ASCII));
    }

    private static byte[] bytes(int field, byte[] value) {
        return message(varint(field << 3 | 2), varint(value.length), value);
    }

    private static byte[] varint(int value) {
        return value < 128
                ? new byte[] {(byte) value}
                : message(new byte[] {(byte) (value & 127 | 128)}, varint(value >>> 7));
    }
}
