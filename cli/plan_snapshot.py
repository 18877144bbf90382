"""Plans as snapshots of syrupy: one file a plan, `.plan`, beside the test.

Only what syrupy documents is used: an extension class, `use_extension`, and `extension_class` for
one assertion.
"""

from typing import Any, TypeGuard

from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode


class PlanSnapshotExtension(SingleFileSnapshotExtension):
    """Keeps the page of a plan in `__snapshots__/TEST_FILE/TEST.plan`."""

    _write_mode = WriteMode.TEXT
    file_extension = "plan"

    def serialize(self, data: Any, **_options: Any) -> str:
        """The page; syrupy's filters and matchers don't apply, for a plan holds nothing random."""
        return str(data)


def is_snapshot(value: object) -> TypeGuard[SnapshotAssertion]:
    """Whether a value is what syrupy's fixture `snapshot` gives."""
    return isinstance(value, SnapshotAssertion)


def matches_snapshot(plan: object, snapshot: SnapshotAssertion) -> bool:
    """Hold a plan against the next snapshot of a test, whatever extension the others use."""
    # A new assertion that asserts nothing: from it syrupy learns to look for unused `.plan` files.
    snapshot.use_extension(PlanSnapshotExtension)
    return bool(snapshot(extension_class=PlanSnapshotExtension) == plan)
