"""`anchors` held against docs/spec/vectors, the vectors that others published, and the independent side."""
