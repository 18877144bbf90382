"""What a command makes once and keeps to its end: modules, a plan."""

import gc


class Lasting:
    """Around what makes them: nobody looks for garbage meanwhile, nor ever among what was made. To
    look through all of it, again and again, takes a seventh of the time of a large file."""

    def __enter__(self) -> None:
        gc.disable()

    def __exit__(self, *_error: object) -> None:
        gc.freeze()
        gc.enable()
