"""Work beside the screen: a worker whose error becomes a message and never ends the program."""

from __future__ import annotations

import weakref
from collections.abc import Coroutine
from typing import Any

from textual.dom import DOMNode
from textual.worker import Worker

from tui.messages import WorkFailed


def run(
    node: DOMNode, work: Coroutine[Any, Any, None], *, doing: str, group: str, exclusive: bool = True
) -> Worker[None]:
    """Run `work` as a worker of `node`; `exclusive` cancels what its group was at. An error posts `WorkFailed`."""

    async def guarded() -> None:
        try:
            await work
        except Exception as error:
            node.post_message(WorkFailed(error, doing))

    worker: Worker[None] = node.run_worker(guarded, group=group, exclusive=exclusive, exit_on_error=False)
    # One that is cancelled before its first step never comes to await this.
    weakref.finalize(worker, work.close).atexit = False
    return worker
