"""Waiting for a transaction to be mined."""

import time

from anchors.chain.port import TransactionReceipt, WitnessSender

WITHIN_SECONDS = 30


def wait_for_receipt(sender: WitnessSender, transaction: bytes) -> TransactionReceipt:
    """The receipt, once there is one."""
    deadline = time.monotonic() + WITHIN_SECONDS
    while (receipt := sender.receipt(transaction)) is None:
        if time.monotonic() > deadline:
            raise RuntimeError(f"transaction 0x{transaction.hex()} was not mined within {WITHIN_SECONDS} s")
        time.sleep(0.05)
    return receipt
