package edge.trm.app;

import static org.junit.Assert.assertTrue;
import static org.robolectric.Shadows.shadowOf;

import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.os.Looper;
import android.os.SystemClock;
import android.view.MotionEvent;
import android.view.View;
import java.io.File;
import java.io.FileOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Draws views to bitmaps and touches them. */
final class Screens {
    private static final File PICTURES = new File("target/pictures");

    private Screens() { }

    /** Lets other threads work, until they have done what is waited for; the main thread's clock goes on. */
    static void await(String what, BooleanSupplier done) {
        long end = System.nanoTime() + 120_000_000_000L;
        shadowOf(Looper.getMainLooper()).idle();
        while (!done.getAsBoolean()) {
            assertTrue("two minutes, and still not: " + what, System.nanoTime() < end);
            try {
                Thread.sleep(5);
            } catch (InterruptedException stopped) {
                throw new AssertionError(stopped);
            }
            shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(50));
        }
        shadowOf(Looper.getMainLooper()).idle();
    }

    static void layOut(View view, int width, int height) {
        view.measure(View.MeasureSpec.makeMeasureSpec(width, View.MeasureSpec.EXACTLY),
                View.MeasureSpec.makeMeasureSpec(height, View.MeasureSpec.AT_MOST));
        view.layout(0, 0, view.getMeasuredWidth(), view.getMeasuredHeight());
    }

    static Bitmap draw(View view) {
        Bitmap bitmap = Bitmap.createBitmap(view.getWidth(), view.getHeight(), Bitmap.Config.ARGB_8888);
        view.draw(new Canvas(bitmap));
        return bitmap;
    }

    /** Pixels of exactly that colour. */
    static int count(View view, int color) {
        Bitmap bitmap = draw(view);
        int[] pixels = new int[bitmap.getWidth() * bitmap.getHeight()];
        bitmap.getPixels(pixels, 0, bitmap.getWidth(), 0, 0, bitmap.getWidth(), bitmap.getHeight());
        int count = 0;
        for (int pixel : pixels) {
            count += pixel == color ? 1 : 0;
        }
        return count;
    }

    static void save(View view, String name) throws IOException {
        PICTURES.mkdirs();
        try (FileOutputStream out = new FileOutputStream(new File(PICTURES, name + ".png"))) {
            draw(view).compress(Bitmap.CompressFormat.PNG, 100, out);
        }
    }

    static void tap(View view, float x, float y) {
        long now = SystemClock.uptimeMillis();
        for (int action : new int[] {MotionEvent.ACTION_DOWN, MotionEvent.ACTION_UP}) {
            MotionEvent event = MotionEvent.obtain(now, now, action, x, y, 0);
            view.dispatchTouchEvent(event);
            event.recycle();
        }
    }
}
