"""Huzheng: the library that an outsider can trust."""
