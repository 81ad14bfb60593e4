"""Reports as files: HTML, PDF, OSCAL, CSV, JSON. The same report and language always give the same bytes."""
