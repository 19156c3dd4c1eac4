package edge.trm.app;

import android.app.Activity;

/** Later. */
public final class ProfileActivity extends Activity {
    static final String BUNDLE = "bundle";
}
