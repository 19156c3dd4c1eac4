package edge.trm.app;

import android.app.Activity;
import android.view.View;
import android.widget.SeekBar;
import android.widget.TextView;
import edge.trm.bundle.GraphVariant;
import edge.trm.solve.Solution;
import java.util.ArrayList;
import java.util.List;

/** Says and draws how a run goes and how it ended: the line for the step, the line for the result, curve and slider. */
final class RunReport {
    private final Activity activity;
    private final Desk desk;
    private final Run run;

    RunReport(Activity activity, Desk desk) {
        this.activity = activity;
        this.desk = desk;
        run = desk.run();
    }

    void show() {
        TextView result = activity.findViewById(R.id.result);
        boolean refused = desk.complaint() != null;
        say(R.id.status, status());
        say(R.id.engine, ended() ? run.engine() : "");
        say(R.id.result, refused ? desk.complaint() : result());
        result.setTextColor(activity.getColor(isBad() ? R.color.wrong : R.color.ink));
        activity.findViewById(R.id.trace).setVisibility(run == null || refused ? View.GONE : View.VISIBLE);
        if (run != null) {
            showTrace();
        }
    }

    private boolean isBad() {
        return desk.complaint() != null || (ended() && run.reason() != null);
    }

    /** Only what is new is set: a screen reader would say it again. */
    private void say(int id, String text) {
        TextView view = activity.findViewById(id);
        if (!view.getText().toString().equals(text)) {
            view.setText(text);
        }
        view.setVisibility(text.isEmpty() ? View.GONE : View.VISIBLE);
    }

    private String status() {
        if (desk.complaint() != null) {
            return "";
        }
        if (desk.phase() == Desk.Phase.STOPPING) {
            return activity.getString(R.string.stopping);
        }
        if (run == null || desk.shown() == 0) {
            return desk.phase() == Desk.Phase.SOLVING ? activity.getString(R.string.working) : "";
        }
        Run.Frame frame = run.frames.get(desk.shown() - 1);
        String probability = Words.percent(activity, CurveView.probability(frame.logit));
        boolean last = run.solution() != null && frame.step == run.solution().steps;
        return last && run.solution().halted && run.threshold != null
                ? activity.getString(R.string.step_of_halted, frame.step, probability)
                : activity.getString(R.string.step_of, frame.step, run.budget, probability);
    }

    /** Ended, and seen to the end: the result is not given away before its picture. */
    private boolean ended() {
        return run != null && desk.phase() == Desk.Phase.IDLE && !desk.isPlaying()
                && (run.solution() != null || run.stopped());
    }

    private String result() {
        if (!ended()) {
            return "";
        }
        Solution solution = run.solution();
        String verdict;
        int steps = run.frames.isEmpty() ? 0 : run.frames.get(run.frames.size() - 1).step;
        if (solution == null) {
            verdict = activity.getString(R.string.stopped);
        } else if (solution.solved == null) {
            verdict = activity.getString(R.string.no_rules);
        } else {
            verdict = run.reason() == null ? activity.getString(R.string.solved)
                    : activity.getString(R.string.not_solved, run.reason());
        }
        String after = activity.getResources().getQuantityString(
                R.plurals.after, steps, steps, Words.duration(activity, run.seconds()));
        return activity.getString(R.string.result, verdict, after);
    }

    private void showTrace() {
        List<Float> logits = new ArrayList<Float>();
        int known = desk.isPlaying() ? desk.shown() : run.frames.size();
        for (int i = 0; i < known; i++) {
            logits.add(run.frames.get(i).logit);
        }
        CurveView curve = activity.findViewById(R.id.curve);
        curve.show(logits, run.budget, run.threshold, desk.shown());
        boolean loop = desk.manifest() != null && desk.manifest().graph == GraphVariant.LOOP;
        boolean whole = desk.phase() == Desk.Phase.IDLE && !run.frames.isEmpty() && !loop;
        SeekBar playback = activity.findViewById(R.id.playback);
        playback.setMax(run.frames.size());
        playback.setProgress(desk.shown());
        playback.setEnabled(whole);
        activity.findViewById(R.id.play).setEnabled(whole);
        TextView step = activity.findViewById(R.id.playback_step);
        step.setText(activity.getString(R.string.playback_step, desk.shown(), run.frames.size()));
    }
}
