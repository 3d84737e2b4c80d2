"""The command palette's commands: every action of the table of actions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.actions import ACTIONS, Action
from tui.screens.panes import PanedScreen


class ActionCommands(Provider):
    """What can be done on the screen below the palette."""

    async def discover(self) -> Hits:
        for action in self._offered():
            yield DiscoveryHit(_name(action), partial(self._perform, action), help=action.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._offered():
            score = max(matcher.match(_name(action)), 0.9 * matcher.match(action.help))
            if score > 0:
                yield Hit(score, matcher.highlight(_name(action)), partial(self._perform, action), help=action.help)

    def _offered(self) -> Iterator[Action]:
        browsing = isinstance(self.screen, PanedScreen)
        for action in ACTIONS:
            everywhere = action.action.startswith("app.")
            if action.listed and (everywhere or (browsing and action.where != "start")):
                yield action

    async def _perform(self, action: Action) -> None:
        if isinstance(self.screen, PanedScreen):
            await self.screen.action_perform(action.id)
        else:
            await self.app.run_action(action.action)


def _name(action: Action) -> str:
    return f"{action.label}  ({action.shown})" if action.shown else action.label
