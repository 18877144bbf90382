"""The language server: what editors ask about pipeline files, and the answers."""
