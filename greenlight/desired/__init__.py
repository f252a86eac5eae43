"""Where what is wanted comes from: one small protocol, and the sources that there are."""
