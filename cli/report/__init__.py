"""`orch report RUN`: a run as one HTML file, which needs nothing and nobody beside it."""
