"""How a step comes to its state."""

from collections.abc import Callable
from dataclasses import dataclass, field

from anchors.core.errors import Error, MalformedInput
from anchors.core.verify import State
from anchors.evidence.report import MOST_ITEMS, Item, Said


class NotChecked(Error):
    """Nothing is wrong; what is needed to judge is not at hand."""


class NotProvable(Error):
    """Nothing is wrong, and nothing of this kind can show it."""


@dataclass(frozen=True)
class Outcome:
    """A step's state and why."""

    state: State
    said: Said
    items: tuple[Item, ...] = ()


_WORST_FIRST = (State.FAILED, State.NOT_PROVABLE, State.NOT_CHECKED)


@dataclass
class Items:
    """Looks at things one by one; the worst state is the step's."""

    what_zh: str
    what_en: str
    count: int = 0
    _found: list[Item] = field(default_factory=list)

    def look(self, about: str, check: Callable[[], object]) -> None:
        """Look at one thing. `check` raises where it does not verify."""
        self.count += 1
        try:
            check()
        except Error as error:
            state = state_of(error)
            self._found.append(Item(about, state, Said(f"{about}：{_zh(state)}（{error}）", f"{about}: {error}")))

    def outcome(self) -> Outcome:
        """The step's outcome, with the worst of what did not verify first. Nothing to look at is NOT_CHECKED."""
        zh, en, count = self.what_zh, self.what_en, self.count
        if not count:
            return Outcome(State.NOT_CHECKED, Said(f"证据包中没有{zh}", f"the package has no {en}"))
        if not self._found:
            return Outcome(State.VERIFIED, Said(f"{zh}共{count}项，全部核验通过", f"{count} {en}: all hold"))
        found = sorted(self._found, key=lambda item: _WORST_FIRST.index(item.state))
        first, wrong = found[0], len(found)
        said = Said(
            f"{zh}共{count}项，{wrong}项未获核验；首项：{first.said.zh}",
            f"{wrong} of {count} {en} do not verify; {first.said.en}",
        )
        return Outcome(first.state, said, tuple(found[:MOST_ITEMS]))


def state_of(error: Error) -> State:
    """The state that an error makes of a claim."""
    if isinstance(error, NotChecked):
        return State.NOT_CHECKED
    return State.NOT_PROVABLE if isinstance(error, NotProvable) else State.FAILED


def _zh(state: State) -> str:
    return {State.NOT_CHECKED: "未核验", State.NOT_PROVABLE: "无法证明"}.get(state, "核验未通过")


def failed(error: Error) -> Outcome:
    """The outcome of a step that looks at one thing, and of which `error` was raised."""
    state = state_of(error)
    malformed = "格式不符" if isinstance(error, MalformedInput) else _zh(state)
    return Outcome(state, Said(f"{malformed}：{error}", str(error)))
