"""The policies that ship with the package. README.md says where each comes from."""

from importlib import resources

from anchors.core.errors import MalformedInput


def shipped_policies() -> tuple[str, ...]:
    """Their names, such as `zhanjiang-2024`."""
    names = (file.name for file in resources.files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(".json") for name in names if name.endswith(".json")))


def shipped_policy(name: str) -> bytes:
    """The text of a shipped policy, by its name. Raises `MalformedInput` where there is none."""
    if name not in shipped_policies():
        raise MalformedInput(f"policy {name!r} does not ship; choose one of {', '.join(shipped_policies())}")
    return resources.files(__name__).joinpath(f"{name}.json").read_bytes()
