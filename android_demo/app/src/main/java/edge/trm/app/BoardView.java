package edge.trm.app;

import android.content.Context;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.Rect;
import android.graphics.RectF;
import android.graphics.Typeface;
import android.os.Bundle;
import android.util.AttributeSet;
import android.view.KeyEvent;
import android.view.MotionEvent;
import android.view.View;
import android.view.accessibility.AccessibilityEvent;
import android.view.accessibility.AccessibilityManager;
import android.view.accessibility.AccessibilityNodeInfo;
import android.view.accessibility.AccessibilityNodeProvider;

/**
 * Draws a {@link Board} and says which cell was touched, by finger, keys or a screen reader (every cell is a node of
 * its own). Knows no task.
 */
public final class BoardView extends View {
    /** Who is told of touches. */
    interface Listener {
        /** A cell was chosen: tapped, clicked by a screen reader, or reached by a finger that draws. */
        void onCell(int row, int column);

        /** A key was pressed while the board had the focus. Returns whether it meant something. */
        boolean onKey(int keyCode, KeyEvent event);
    }

    private static final int NO_CELL = -1;

    private final Paint paint = new Paint(Paint.ANTI_ALIAS_FLAG);
    private final RectF box = new RectF();
    private final float density;
    private final Nodes nodes = new Nodes();
    private final AccessibilityManager readers;
    private Board board = new Board(1, 1, 0, 0);
    private Listener listener;
    private boolean drawing;
    private int selected = NO_CELL;
    private int touched = NO_CELL;
    private int accessibilityFocus = NO_CELL;

    public BoardView(Context context, AttributeSet attributes) {
        super(context, attributes);
        density = getResources().getDisplayMetrics().density;
        readers = context.getSystemService(AccessibilityManager.class);
        paint.setTextAlign(Paint.Align.CENTER);
        setFocusable(true);
        setImportantForAccessibility(IMPORTANT_FOR_ACCESSIBILITY_YES);
    }

    void setListener(Listener listener) {
        this.listener = listener;
    }

    /** Whether a finger that moves goes on choosing cells, as a brush does. */
    void setDrawing(boolean drawing) {
        this.drawing = drawing;
    }

    /** Shows another board; the selection stays where it still exists. */
    void show(Board next) {
        boolean other = next.rows != board.rows || next.columns != board.columns;
        board = next;
        if (other) {
            selected = NO_CELL;
            accessibilityFocus = NO_CELL;
            requestLayout();
        }
        invalidate();
        nodes.changed();
    }

    Board board() {
        return board;
    }

    int selectedRow() {
        return selected == NO_CELL ? NO_CELL : selected / board.columns;
    }

    int selectedColumn() {
        return selected == NO_CELL ? NO_CELL : selected % board.columns;
    }

    /** Marks a cell; a place outside of the board marks none. */
    void select(int row, int column) {
        boolean inside = row >= 0 && row < board.rows && column >= 0 && column < board.columns;
        selected = inside ? row * board.columns + column : NO_CELL;
        invalidate();
        nodes.changed();
    }

    // -- size ---------------------------------------------------------------------------------

    /** As wide as it is told to be and as high as its cells need, but not higher than wide; cells lie in the middle. */
    @Override protected void onMeasure(int widthSpec, int heightSpec) {
        int width = MeasureSpec.getSize(widthSpec);
        int height = Math.min(width, width * board.rows / board.columns);
        int given = MeasureSpec.getSize(heightSpec);
        int mode = MeasureSpec.getMode(heightSpec);
        setMeasuredDimension(width, mode == MeasureSpec.EXACTLY ? given
                : mode == MeasureSpec.AT_MOST ? Math.min(given, height) : height);
    }

    private float side() {
        float border = 2 * density;
        return Math.min((getWidth() - 2 * border) / board.columns, (getHeight() - 2 * border) / board.rows);
    }

    private float left() {
        return (getWidth() - side() * board.columns) / 2;
    }

    private float top() {
        return (getHeight() - side() * board.rows) / 2;
    }

    private void place(int index, RectF into) {
        float side = side();
        float x = left() + side * (index % board.columns);
        float y = top() + side * (index / board.columns);
        into.set(x, y, x + side, y + side);
    }

    private int cellAt(float x, float y) {
        int column = (int) Math.floor((x - left()) / side());
        int row = (int) Math.floor((y - top()) / side());
        boolean inside = row >= 0 && row < board.rows && column >= 0 && column < board.columns;
        return inside ? row * board.columns + column : NO_CELL;
    }

    // -- picture ------------------------------------------------------------------------------

    @Override protected void onDraw(Canvas canvas) {
        float side = side();
        paint.setStyle(Paint.Style.FILL);
        for (int index = 0; index < board.cells.length; index++) {
            Board.Cell cell = board.cells[index];
            place(index, box);
            int fill = cell.fill != 0 ? cell.fill : color(cell.changed ? R.color.changed : R.color.paper);
            paint.setColor(index == selected && cell.fill == 0 ? color(R.color.selected) : fill);
            canvas.drawRect(box, paint);
        }
        drawLines(canvas, side);
        for (int index = 0; index < board.cells.length; index++) {
            drawContent(canvas, index, side);
        }
        if (selected != NO_CELL) {
            outline(canvas, selected, color(R.color.accent), Math.max(2 * density, side / 14));
        }
    }

    private void drawContent(Canvas canvas, int index, float side) {
        Board.Cell cell = board.cells[index];
        place(index, box);
        if (cell.changed) { // a shape too, for eyes that do not tell the colours apart
            if (cell.fill != 0) {
                outline(canvas, index, color(R.color.mark), Math.max(density, side / 16));
                place(index, box);
            } else {
                paint.setColor(color(R.color.mark));
                float dot = Math.max(1.5f * density, side / 14);
                canvas.drawCircle(box.right - 2 * dot, box.top + 2 * dot, dot, paint);
            }
        }
        if (!cell.text.isEmpty() && side >= 7 * density) {
            paint.setColor(cell.ink);
            paint.setTextSize(side * 0.58f);
            paint.setTypeface(cell.bold ? Typeface.DEFAULT_BOLD : Typeface.DEFAULT);
            float middle = box.centerY() - (paint.ascent() + paint.descent()) / 2;
            canvas.drawText(cell.text, box.centerX(), middle, paint);
        }
    }

    private void drawLines(Canvas canvas, float side) {
        float right = left() + side * board.columns;
        float bottom = top() + side * board.rows;
        boolean fine = side >= 9 * density || board.boxRows > 0;
        for (int pass = 0; pass < 2; pass++) { // the strong lines lie above the fine ones
            boolean strong = pass == 1;
            paint.setColor(color(strong ? R.color.line_strong : R.color.line));
            paint.setStrokeWidth((strong ? 2 : 1) * density);
            for (int row = 0; row <= board.rows; row++) {
                if (isStrong(row, board.rows, board.boxRows) == strong && (strong || fine)) {
                    float y = top() + side * row;
                    canvas.drawLine(left(), y, right, y, paint);
                }
            }
            for (int column = 0; column <= board.columns; column++) {
                if (isStrong(column, board.columns, board.boxColumns) == strong && (strong || fine)) {
                    float x = left() + side * column;
                    canvas.drawLine(x, top(), x, bottom, paint);
                }
            }
        }
    }

    private static boolean isStrong(int line, int last, int period) {
        return line == 0 || line == last || (period > 0 && line % period == 0);
    }

    private void outline(Canvas canvas, int index, int color, float width) {
        place(index, box);
        box.inset(width / 2, width / 2);
        paint.setStyle(Paint.Style.STROKE);
        paint.setColor(color);
        paint.setStrokeWidth(width);
        canvas.drawRect(box, paint);
        paint.setStyle(Paint.Style.FILL);
    }

    private int color(int name) {
        return getContext().getColor(name);
    }

    // -- touch and keys -----------------------------------------------------------------------

    @Override public boolean onTouchEvent(MotionEvent event) {
        int cell = cellAt(event.getX(), event.getY());
        switch (event.getActionMasked()) {
            case MotionEvent.ACTION_DOWN:
                touched = NO_CELL;
                if (drawing && getParent() != null) {
                    getParent().requestDisallowInterceptTouchEvent(true); // a stroke is not a scroll
                    choose(cell);
                }
                return cell != NO_CELL;
            case MotionEvent.ACTION_MOVE:
                if (drawing) {
                    choose(cell);
                }
                return true;
            case MotionEvent.ACTION_UP:
                choose(cell);
                performClick();
                return true;
            default:
                return true;
        }
    }

    @Override public boolean performClick() {
        return super.performClick();
    }

    private void choose(int cell) {
        if (cell != NO_CELL && cell != touched && listener != null) {
            touched = cell;
            requestFocus();
            listener.onCell(cell / board.columns, cell % board.columns);
        }
    }

    @Override public boolean onKeyDown(int keyCode, KeyEvent event) {
        int row = Math.max(selectedRow(), 0);
        int column = Math.max(selectedColumn(), 0);
        switch (keyCode) {
            case KeyEvent.KEYCODE_DPAD_UP: row--; break;
            case KeyEvent.KEYCODE_DPAD_DOWN: row++; break;
            case KeyEvent.KEYCODE_DPAD_LEFT: column--; break;
            case KeyEvent.KEYCODE_DPAD_RIGHT: column++; break;
            default:
                return listener != null && listener.onKey(keyCode, event) || super.onKeyDown(keyCode, event);
        }
        if (row < 0 || row >= board.rows || column < 0 || column >= board.columns) {
            return super.onKeyDown(keyCode, event); // leaves the board
        }
        select(row, column);
        return true;
    }

    // -- screen readers -----------------------------------------------------------------------

    @Override public AccessibilityNodeProvider getAccessibilityNodeProvider() {
        return nodes;
    }

    @Override public boolean dispatchHoverEvent(MotionEvent event) {
        return nodes.hover(event) || super.dispatchHoverEvent(event);
    }

    /** One node a cell, as if it were a view. */
    private final class Nodes extends AccessibilityNodeProvider {
        private int hovered = NO_CELL;

        @Override public AccessibilityNodeInfo createAccessibilityNodeInfo(int id) {
            if (id == HOST_VIEW_ID) {
                AccessibilityNodeInfo host = AccessibilityNodeInfo.obtain(BoardView.this);
                onInitializeAccessibilityNodeInfo(host);
                host.setCollectionInfo(
                        AccessibilityNodeInfo.CollectionInfo.obtain(board.rows, board.columns, false));
                for (int cell = 0; cell < board.cells.length; cell++) {
                    host.addChild(BoardView.this, cell);
                }
                return host;
            }
            return id >= 0 && id < board.cells.length ? cell(id) : null;
        }

        private AccessibilityNodeInfo cell(int id) {
            AccessibilityNodeInfo node = AccessibilityNodeInfo.obtain(BoardView.this, id);
            node.setParent(BoardView.this);
            node.setPackageName(getContext().getPackageName());
            node.setClassName("android.widget.Button");
            node.setContentDescription(describe(id));
            node.setEnabled(true);
            node.setSelected(id == selected);
            node.setVisibleToUser(isShown());
            node.setCollectionItemInfo(AccessibilityNodeInfo.CollectionItemInfo.obtain(
                    id / board.columns, 1, id % board.columns, 1, false, id == selected));
            place(id, box);
            Rect bounds = new Rect((int) box.left, (int) box.top, (int) box.right, (int) box.bottom);
            node.setBoundsInParent(bounds);
            int[] at = new int[2];
            getLocationOnScreen(at);
            bounds.offset(at[0], at[1]);
            node.setBoundsInScreen(bounds);
            node.setClickable(true);
            node.addAction(AccessibilityNodeInfo.AccessibilityAction.ACTION_CLICK);
            node.setAccessibilityFocused(id == accessibilityFocus);
            node.addAction(id == accessibilityFocus
                    ? AccessibilityNodeInfo.AccessibilityAction.ACTION_CLEAR_ACCESSIBILITY_FOCUS
                    : AccessibilityNodeInfo.AccessibilityAction.ACTION_ACCESSIBILITY_FOCUS);
            return node;
        }

        @Override public boolean performAction(int id, int action, Bundle arguments) {
            if (id == HOST_VIEW_ID) {
                return performAccessibilityAction(action, arguments);
            }
            if (id < 0 || id >= board.cells.length) {
                return false;
            }
            switch (action) {
                case AccessibilityNodeInfo.ACTION_CLICK:
                    touched = NO_CELL;
                    choose(id);
                    send(id, AccessibilityEvent.TYPE_VIEW_CLICKED);
                    return true;
                case AccessibilityNodeInfo.ACTION_ACCESSIBILITY_FOCUS:
                    accessibilityFocus = id;
                    send(id, AccessibilityEvent.TYPE_VIEW_ACCESSIBILITY_FOCUSED);
                    return true;
                case AccessibilityNodeInfo.ACTION_CLEAR_ACCESSIBILITY_FOCUS:
                    accessibilityFocus = NO_CELL;
                    send(id, AccessibilityEvent.TYPE_VIEW_ACCESSIBILITY_FOCUS_CLEARED);
                    return true;
                default:
                    return false;
            }
        }

        /** Explore by touch: the finger is told which cell it is over. */
        boolean hover(MotionEvent event) {
            int cell = event.getActionMasked() == MotionEvent.ACTION_HOVER_EXIT
                    ? NO_CELL : cellAt(event.getX(), event.getY());
            if (cell != hovered) {
                send(cell, AccessibilityEvent.TYPE_VIEW_HOVER_ENTER);
                send(hovered, AccessibilityEvent.TYPE_VIEW_HOVER_EXIT);
                hovered = cell;
            }
            return cell != NO_CELL;
        }

        void changed() {
            sendAccessibilityEvent(AccessibilityEvent.TYPE_WINDOW_CONTENT_CHANGED);
        }

        private void send(int cell, int type) {
            if (cell == NO_CELL || getParent() == null || !readers.isEnabled()) {
                return;
            }
            AccessibilityEvent event = AccessibilityEvent.obtain(type);
            event.setPackageName(getContext().getPackageName());
            event.setClassName("android.widget.Button");
            event.setContentDescription(describe(cell));
            event.setSource(BoardView.this, cell);
            getParent().requestSendAccessibilityEvent(BoardView.this, event);
        }

        private String describe(int id) {
            Board.Cell cell = board.cells[id];
            String text = getContext().getString(
                    R.string.cell, id / board.columns + 1, id % board.columns + 1, cell.spoken);
            return cell.changed ? getContext().getString(R.string.cell_changed, text) : text;
        }
    }
}
