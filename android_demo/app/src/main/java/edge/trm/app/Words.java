package edge.trm.app;

import android.content.Context;
import java.text.NumberFormat;
import java.util.Locale;

/** Numbers as people of the screen's language write them. */
final class Words {
    private Words() { }

    /** 0.974 -> 97 %. */
    static String percent(Context context, double share) {
        return context.getString(R.string.percent, Math.round(100 * share));
    }

    /** Three digits that matter: 0.412 ms, 41.2 ms, 4.12 s. */
    static String duration(Context context, double seconds) {
        return seconds < 1 ? context.getString(R.string.milliseconds, digits(context, seconds * 1000))
                : context.getString(R.string.seconds, digits(context, seconds));
    }

    static String megabytes(Context context, long bytes) {
        return context.getString(R.string.megabytes, digits(context, bytes / 1048576.0));
    }

    /** 0.41, 41.2, 412. */
    static String digits(Context context, double value) {
        Locale locale = context.getResources().getConfiguration().getLocales().get(0);
        NumberFormat format = NumberFormat.getNumberInstance(locale);
        format.setMaximumFractionDigits(value < 10 ? 2 : value < 100 ? 1 : 0);
        return format.format(value);
    }
}
