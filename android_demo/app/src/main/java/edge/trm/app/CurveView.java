package edge.trm.app;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.DashPathEffect;
import android.graphics.Paint;
import android.graphics.Path;
import android.util.AttributeSet;
import android.view.View;
import java.util.ArrayList;
import java.util.List;

/**
 * The halting probability after every step, sigmoid of the halting logit, with the threshold as a dashed line. Spoken
 * as a list of percentages.
 */
public final class CurveView extends View {
    private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final Path path = new Path();
    private final DashPathEffect dashes;
    private final float density;
    private List<Float> logits = new ArrayList<Float>();
    private Double threshold;
    private int steps = 1;
    private int shown;

    public CurveView(Context context, AttributeSet attributes) {
        super(context, attributes);
        density = getResources().getDisplayMetrics().density;
        dashes = new DashPathEffect(new float[] {6 * density, 4 * density}, 0);
    }

    /**
     * @param logits halting logits, one a step that was done
     * @param steps how many the axis has room for
     * @param threshold logit above which a puzzle halts; null: no logit halts it
     * @param shown step that is looked at, from 1; 0: none
     */
    void show(List<Float> logits, int steps, Double threshold, int shown) {
        this.logits = logits;
        this.steps = Math.max(Math.max(steps, logits.size()), 1);
        this.threshold = threshold;
        this.shown = shown;
        setContentDescription(describe());
        invalidate();
    }

    /** 0 to 1. */
    static double probability(double logit) {
        return logit > 0 ? 1 / (1 + Math.exp(-logit)) : Math.exp(logit) / (1 + Math.exp(logit));
    }

    private String describe() {
        if (logits.isEmpty()) {
            return getContext().getString(R.string.curve_empty);
        }
        StringBuilder list = new StringBuilder();
        for (float logit : logits) {
            list.append(list.length() == 0 ? "" : ", ").append(Words.percent(getContext(), probability(logit)));
        }
        return getContext().getString(R.string.curve_spoken, list);
    }

    @Override protected void onDraw(Canvas canvas) {
        float text = 11 * getResources().getDisplayMetrics().scaledDensity;
        paint.setTextSize(text);
        paint.setStyle(Paint.Style.FILL);
        float left = paint.measureText("100 %") + 8 * density;
        float right = getWidth() - 10 * density;
        float top = text;
        float bottom = getHeight() - text - 8 * density;
        axes(canvas, left, top, right, bottom, text);
        float slot = steps == 1 ? 0 : (right - left - 8 * density) / (steps - 1);
        float first = left + 4 * density;
        if (threshold != null) {
            float y = height(threshold, top, bottom);
            paint.setColor(color(R.color.threshold));
            paint.setStrokeWidth(1.5f * density);
            paint.setStyle(Paint.Style.STROKE);
            paint.setPathEffect(dashes);
            path.rewind();
            path.moveTo(left, y);
            path.lineTo(right, y);
            canvas.drawPath(path, paint);
            paint.setPathEffect(null);
        }
        curve(canvas, first, slot, top, bottom);
    }

    private void axes(Canvas canvas, float left, float top, float right, float bottom, float text) {
        paint.setStrokeWidth(density);
        for (int part = 0; part <= 2; part++) {
            float y = bottom - (bottom - top) * part / 2;
            paint.setColor(color(R.color.line));
            canvas.drawLine(left, y, right, y, paint);
            paint.setColor(color(R.color.ink_soft));
            paint.setTextAlign(Paint.Align.RIGHT);
            canvas.drawText(Words.percent(getContext(), part / 2.0), left - 5 * density, y + text / 3, paint);
        }
        paint.setTextAlign(Paint.Align.LEFT);
        canvas.drawText("1", left + 2 * density, bottom + text + 4 * density, paint);
        paint.setTextAlign(Paint.Align.RIGHT);
        canvas.drawText(Integer.toString(steps), right, bottom + text + 4 * density, paint);
    }

    private void curve(Canvas canvas, float first, float slot, float top, float bottom) {
        paint.setColor(color(R.color.accent));
        paint.setStyle(Paint.Style.STROKE);
        paint.setStrokeWidth(2.5f * density);
        path.rewind();
        for (int step = 0; step < logits.size(); step++) {
            float x = first + slot * step;
            float y = height(logits.get(step), top, bottom);
            if (step == 0) {
                path.moveTo(x, y);
            } else {
                path.lineTo(x, y);
            }
        }
        canvas.drawPath(path, paint);
        paint.setStyle(Paint.Style.FILL);
        for (int step = 0; step < logits.size(); step++) {
            float radius = (step + 1 == shown ? 5.5f : 3) * density;
            canvas.drawCircle(first + slot * step, height(logits.get(step), top, bottom), radius, paint);
        }
    }

    private static float height(double logit, float top, float bottom) {
        return (float) (bottom - (bottom - top) * probability(logit));
    }

    private int color(int name) {
        return getContext().getColor(name);
    }
}
