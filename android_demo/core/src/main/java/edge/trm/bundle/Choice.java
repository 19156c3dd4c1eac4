package edge.trm.bundle;

/** A member of one of the manifest's fixed vocabularies. */
public interface Choice {
    /** Its text in the manifest. */
    String id();
}
