"""The independent side: test vectors and a log reader from the standards and docs/spec alone; nothing of `anchors`."""
