"""No test fails because a machine is busy."""

import hypothesis


def test_no_example_of_a_random_test_has_a_deadline() -> None:
    """Whatever else the settings of a test are, they begin with these."""
    assert hypothesis.settings.default is not None
    assert hypothesis.settings.default.deadline is None
    assert hypothesis.settings(max_examples=5).deadline is None
