"""Published data sets, read from the files that their makers give out."""
