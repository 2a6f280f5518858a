"""The interpreter's collector of cycles, in processes that make objects by the thousand and hardly a cycle."""

import gc

THRESHOLDS = (50_000, 20, 20)


def rest_what_was_loaded() -> None:
    """Spare the collector of cycles what stays for ever, and let it look rarely: thousands of objects come and go that
    are counted by reference alone. Processes that are forked later do the same, and go on sharing what was loaded:
    where the collector writes, memory is shared no more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
