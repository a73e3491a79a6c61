"""The daemon and its commands.

Python looks for garbage in cycles after every 700 objects that are made. Starting and reading make hundreds of
thousands and next to no cycles, and the looking took a tenth of their time.
"""

import gc

gc.set_threshold(50_000)


def keep_what_is_there() -> None:
    """What is imported by now stays until the end, when looking through it for garbage would take a while too."""
    gc.freeze()
