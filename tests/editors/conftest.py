"""Tests with editors: collected where TEST_EDITORS is set (`make test-editors`)."""

import os

collect_ignore_glob = [] if "TEST_EDITORS" in os.environ else ["test_*.py"]
