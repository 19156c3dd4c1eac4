package edge.trm.app;

import android.animation.ValueAnimator;
import android.os.Handler;
import android.os.Looper;

/**
 * Which of a run's steps is shown: each as it comes, but none shorter than people can see, or the one that the user
 * picked. Knows numbers and the main thread's clock.
 */
final class Playback {
    /** Steps follow each other no faster than this; the clock of the result does not wait. */
    static final long MILLIS_A_STEP = 160;

    private final Handler main = new Handler(Looper.getMainLooper());
    private final Runnable tick = this::advance;
    private final Runnable changed;
    private int steps;
    private int shown;
    /** Whether steps are shown as they come, or, after the run, one after the other; not so once the user picks one. */
    private boolean following;
    /** Whether the step that is shown has not had its time yet. */
    private boolean waiting;

    /** Calls back on the main thread when another step is shown. */
    Playback(Runnable changed) {
        this.changed = changed;
    }

    /** From 1; 0: the question. */
    int shown() {
        return shown;
    }

    /** Whether steps that were done are still to be shown. */
    boolean isPlaying() {
        return following && shown < steps;
    }

    /** No steps, and none to come. */
    void clear() {
        pause();
        steps = 0;
        shown = 0;
    }

    /** Steps will come. */
    void follow() {
        following = true;
    }

    /** One step more was done. */
    void add() {
        steps++;
        if (!waiting) {
            advance();
        }
    }

    /** Shows a step and stays there. */
    void show(int step) {
        if (step >= 0 && step <= steps && step != shown) {
            pause();
            shown = step;
            changed.run();
        }
    }

    /** Shows all steps from the first one on again. */
    void replay() {
        pause();
        shown = 0;
        following = true;
        hold();
        changed.run();
    }

    /** Stays where it is. */
    void pause() {
        main.removeCallbacks(tick);
        following = false;
        waiting = false;
    }

    private void hold() {
        waiting = true;
        main.postDelayed(tick, MILLIS_A_STEP);
    }

    /** One step further, if there is one and it is wanted; people who want no motion see the last one at once. */
    private void advance() {
        waiting = false;
        if (isPlaying()) {
            shown = ValueAnimator.areAnimatorsEnabled() ? shown + 1 : steps;
            hold();
            changed.run();
        }
    }
}
