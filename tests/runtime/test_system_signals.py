"""The functions and numbers of `signal` without its enums: nothing is missing, and nothing else."""

import os
import signal

from orch.runtime import system_signals
from orch.runtime.signals import SignalInbox
from orch.runtime.system_signals import signals_by_name


def test_signals_have_the_names_and_numbers_of_the_standard_module() -> None:
    """`SIG_DFL` and its like are no signals."""
    named = {f"SIG{name}": number for name, number in signals_by_name().items()}
    assert named == signal.Signals.__members__


def test_whatever_the_standard_module_offers_is_there() -> None:
    """Type checkers see the standard module."""
    enums = {"Handlers", "Sigmasks", "Signals"}
    offered = {name for name in vars(signal) if not name.startswith("_")}
    assert offered - enums <= vars(system_signals).keys()


def test_an_ignored_signal_stays_ignored_and_others_are_given_back() -> None:
    """Whether the default and `SIG_IGN` are told as numbers or as the standard module's enums."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    own = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        with SignalInbox() as inbox:
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGINT)
            assert inbox.take() == (signal.SIGINT,)
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
        signal.signal(signal.SIGINT, own)
