package edge.trm.app;

import android.content.Context;
import edge.trm.InvalidInput;
import edge.trm.bundle.GraphVariant;
import edge.trm.bundle.Manifest;

/**
 * When a run is to stop, as the user typed it; begins with what the bundle's manifest says. The library reads the
 * policy text and has the last word; this only refuses what is no number.
 */
final class HaltingChoice {
    static final int ACT = 0;
    static final int FIXED = 1;
    /** The bundle's own policy, where that is neither. */
    static final int BUNDLE = 2;

    static final int MOST_STEPS = 1024;

    int kind = ACT;
    String threshold = "0";
    String minSteps = "1";
    String budget = "16";
    private String bundlePolicy = "act";

    /** Takes the defaults of a bundle. */
    void reset(Manifest manifest) {
        bundlePolicy = manifest.halting.policy.trim();
        kind = bundlePolicy.equals("act") ? ACT : bundlePolicy.equals("fixed") ? FIXED : BUNDLE;
        double number = manifest.halting.threshold;
        threshold = number == Math.rint(number) && Math.abs(number) < 1e9
                ? Long.toString((long) number) : Double.toString(number);
        minSteps = Integer.toString(manifest.graph == GraphVariant.LOOP ? 1 : manifest.halting.minSteps);
        budget = Integer.toString(manifest.halting.maxSteps);
    }

    /** The bundle's own policy text if it is neither plain ACT nor a fixed number, else null. */
    String special() {
        return bundlePolicy.equals("act") || bundlePolicy.equals("fixed") ? null : bundlePolicy;
    }

    /**
     * As the library reads it.
     *
     * @throws InvalidInput a field is no number
     */
    String policy(Context context) {
        if (kind == BUNDLE) {
            return bundlePolicy;
        }
        if (kind == FIXED) {
            return "fixed";
        }
        int first = whole(context, minSteps, R.string.min_steps);
        double above = number(context);
        return "act:threshold=" + above + (first > 1 ? ",min=" + first : "");
    }

    /**
     * Most steps.
     *
     * @throws InvalidInput no whole number from 1 to 1024
     */
    int budget(Context context) {
        return whole(context, budget, R.string.budget);
    }

    /** Where the dashed line lies; null where no logit halts. */
    Double threshold(Manifest manifest) {
        if (kind == ACT) {
            return Double.valueOf(threshold.trim());
        }
        return kind == BUNDLE && bundlePolicy.contains("act") ? Double.valueOf(manifest.halting.threshold) : null;
    }

    private double number(Context context) {
        try {
            double value = Double.parseDouble(threshold.trim());
            if (!Double.isNaN(value) && !Double.isInfinite(value)) {
                return value;
            }
        } catch (NumberFormatException notANumber) {
            // told below
        }
        throw new InvalidInput(context.getString(
                R.string.not_a_number, threshold.trim(), context.getString(R.string.threshold), "0.5"));
    }

    private static int whole(Context context, String text, int field) {
        try {
            int value = Integer.parseInt(text.trim());
            if (value >= 1 && value <= MOST_STEPS) {
                return value;
            }
        } catch (NumberFormatException notANumber) {
            // told below
        }
        throw new InvalidInput(context.getString(
                R.string.not_a_whole, text.trim(), context.getString(field), MOST_STEPS));
    }
}
