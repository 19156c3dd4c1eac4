package edge.trm.engine;

/** Numbers of 16 bits (IEEE binary16), rounded half to even. */
final class Half {
    private static final int SIGN = 0x8000;
    private static final int INFINITY = 0x7c00;

    private Half() {}

    static short of(float value) {
        int bits = Float.floatToIntBits(value);
        int sign = (bits >>> 16) & SIGN;
        int magnitude = bits & 0x7fffffff;
        if (magnitude > 0x7f800000) {
            return (short) (sign | 0x7e00); // NaN
        }
        if (magnitude >= 0x47800000) {
            return (short) (sign | INFINITY);
        }
        if (magnitude >= 0x38800000) { // normal; rounding may carry into infinity, which is right
            int rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
            return (short) (sign | (rounded >>> 13));
        }
        return (short) (sign | (int) Math.rint(Math.abs((double) value) * 0x1p24)); // below: multiples of 2^-24
    }

    static float toFloat(short bits) {
        int sign = (bits & SIGN) << 16;
        int exponent = (bits >>> 10) & 31;
        int fraction = bits & 0x3ff;
        if (exponent == 0) {
            return sign == 0 ? fraction * 0x1p-24f : -(fraction * 0x1p-24f);
        }
        int biased = exponent == 31 ? 255 : exponent + 112;
        return Float.intBitsToFloat(sign | (biased << 23) | (fraction << 13));
    }
}
