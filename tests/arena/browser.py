"""A browser of the arena's API, in-process: it keeps every byte it was sent."""

from __future__ import annotations

from assay.arena import Arena
from assay.arena import routes as arena_routes
from tests.asgi import Event, Reply, Session

__all__ = ["Browser", "Event", "Reply"]


class Browser(Session):
    """One session."""

    def __init__(self, arena: Arena, session: str = "one"):
        super().__init__(arena_routes.routes(arena), session)

    async def vote(self, battle: str, token: str, choice: str = "a") -> Reply:
        """Vote on a battle."""
        return await self.post(f"/api/v1/battles/{battle}/vote", {"choice": choice, "token": token})

    async def battle(self, prompt: str = "Why is the sky blue?") -> list[Event]:
        """Begin a battle and watch it to its end."""
        async with self.stream("/api/v1/battles", {"prompt": prompt}) as events:
            return [event async for event in events]

    async def turn(self, battle: str, prompt: str, token: str) -> list[Event]:
        """Ask one thing more and watch to the end."""
        async with self.stream(f"/api/v1/battles/{battle}/turns", {"prompt": prompt, "token": token}) as events:
            return [event async for event in events]
