"""Putting bundles where apps find them: a static web folder, an Android project, a phone, a server on this machine."""
