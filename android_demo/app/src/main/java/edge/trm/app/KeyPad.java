package edge.trm.app;

import android.content.Context;
import android.util.AttributeSet;
import android.view.View;
import android.view.ViewGroup;

/** Lays its children out as keys of equal size, as many a row as there is room for; none is smaller than it wants. */
public final class KeyPad extends ViewGroup {
    private final int gap;

    public KeyPad(Context context, AttributeSet attributes) {
        super(context, attributes);
        gap = Math.round(4 * getResources().getDisplayMetrics().density);
    }

    private int columns(int width, int widest) {
        int most = Math.max(1, (width + gap) / (widest + gap));
        int rows = (getChildCount() + most - 1) / most;
        return rows == 0 ? 1 : (getChildCount() + rows - 1) / rows; // rows as equal as can be: 5 and 5, not 7 and 3
    }

    @Override protected void onMeasure(int widthSpec, int heightSpec) {
        int width = MeasureSpec.getSize(widthSpec);
        int widest = 0;
        int highest = 0;
        int free = MeasureSpec.makeMeasureSpec(0, MeasureSpec.UNSPECIFIED);
        for (int i = 0; i < getChildCount(); i++) {
            getChildAt(i).measure(free, free);
            widest = Math.max(widest, getChildAt(i).getMeasuredWidth());
            highest = Math.max(highest, getChildAt(i).getMeasuredHeight());
        }
        int columns = columns(width, widest);
        int each = (width - gap * (columns - 1)) / columns;
        for (int i = 0; i < getChildCount(); i++) {
            getChildAt(i).measure(MeasureSpec.makeMeasureSpec(each, MeasureSpec.EXACTLY),
                    MeasureSpec.makeMeasureSpec(highest, MeasureSpec.EXACTLY));
        }
        int rows = (getChildCount() + columns - 1) / columns;
        setMeasuredDimension(width, rows == 0 ? 0 : rows * (highest + gap) - gap);
    }

    @Override protected void onLayout(boolean changed, int left, int top, int right, int bottom) {
        if (getChildCount() == 0) {
            return;
        }
        View first = getChildAt(0);
        int columns = Math.max(1, (right - left + gap) / (first.getMeasuredWidth() + gap));
        for (int i = 0; i < getChildCount(); i++) {
            View child = getChildAt(i);
            int x = (i % columns) * (child.getMeasuredWidth() + gap);
            int y = (i / columns) * (child.getMeasuredHeight() + gap);
            child.layout(x, y, x + child.getMeasuredWidth(), y + child.getMeasuredHeight());
        }
    }
}
