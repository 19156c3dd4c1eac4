package edge.trm.app;

import android.app.Activity;
import android.content.pm.PackageManager;
import android.os.Build;
import android.os.Bundle;
import android.widget.TextView;

/** What the app is, what it was tested on, whose work is in it. */
public final class AboutActivity extends Activity {
    @Override protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.activity_about);
        TextView versions = findViewById(R.id.versions);
        versions.setText(getString(
                R.string.versions, version(), engine(), Build.VERSION.RELEASE, Build.VERSION.SDK_INT));
    }

    private String version() {
        try {
            return getPackageManager().getPackageInfo(getPackageName(), 0).versionName;
        } catch (PackageManager.NameNotFoundException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    private String engine() {
        String version = OpenBundle.engineVersion();
        return version == null ? getString(R.string.engine_missing) : version;
    }
}
