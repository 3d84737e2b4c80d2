"""Gate: which requests are answered.

The dashboard asks nobody for a password. Without a gate any page that the person has open elsewhere could drive it
through their browser: browsers let every page open a websocket to every address, and a name of the page's own can be
made to point to this machine (DNS rebinding).
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from core.listening import leads_here

WEBSOCKET: Final = "/ws"


def gate(names: Collection[str]) -> Middleware:
    """Refuses what our own page did not ask for; `names` are host names that lead here, besides plain addresses."""

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if not leads_here(host, names):
            raise web.HTTPForbidden(
                text="Reelcache answers to this machine's address in numbers, to localhost, and to the name "
                "given as --host. Open it by one of these.\n"
            )
        origin = request.headers.get("Origin")
        if origin is None and request.path != WEBSOCKET:
            pass  # a page that is opened, or a part of it
        elif origin not in (f"http://{host}", f"https://{host}"):
            raise web.HTTPForbidden(text="Only Reelcache's own page may ask for this.\n")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_headers(host))
        return response

    return guarded


def _headers(host: str) -> dict[str, str]:
    """What the browser is told: ask nobody but us, stand in no frame of others, keep nothing unasked."""
    policy = (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # the terminal emulator makes its style sheet as it goes
        "font-src 'self'",
        "img-src data:",
        f"connect-src 'self' ws://{host} wss://{host}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }
