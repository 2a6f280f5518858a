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


_WORST_FIRST = (State.FAILED, State.NOT_PROVABLE, State.NOT_CHECKED, State.VERIFIED)


@dataclass
class Items:
    """Looks at things one by one; the worst state is the step's."""

    what_zh: str
    what_en: str
    count: int = 0
    _states: set[State] = field(default_factory=set)
    _found: list[Item] = field(default_factory=list)

    def look(self, about: str, check: Callable[[], object]) -> bool:
        """Look at one thing; whether it verified. `check` raises where it does not."""
        self.count += 1
        try:
            check()
        except Error as error:
            state = state_of(error)
            self._states.add(state)
            if len(self._found) < MOST_ITEMS:
                self._found.append(Item(about, state, Said(f"{about}：{_zh(state)}（{error}）", f"{about}: {error}")))
            return False
        self._states.add(State.VERIFIED)
        return True

    def outcome(self) -> Outcome:
        """The step's outcome. Nothing to look at is NOT_CHECKED."""
        if not self.count:
            return Outcome(State.NOT_CHECKED, Said(f"证据包中没有{self.what_zh}", f"the package has no {self.what_en}"))
        state = next(state for state in _WORST_FIRST if state in self._states)
        if state is State.VERIFIED:
            return Outcome(
                state, Said(f"{self.what_zh}共{self.count}项，全部核验通过", f"{self.count} {self.what_en}: all hold")
            )
        first = min(self._found, key=lambda item: _WORST_FIRST.index(item.state))
        wrong = len(self._found)
        many = f"至少{wrong}" if wrong == MOST_ITEMS else str(wrong)
        return Outcome(
            state,
            Said(
                f"{self.what_zh}共{self.count}项，{many}项未获核验；首项：{first.said.zh}",
                f"{wrong} of {self.count} {self.what_en} do not verify; {first.said.en}",
            ),
            tuple(self._found),
        )


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
