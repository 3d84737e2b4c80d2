"""What the caching strategies share: both read through the cache; they differ in what a write leaves there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from core.strategies.answers import CollectionAnswers
from core.strategies.base import Answer, Computed, Question
from core.strategies.reading import MovieReads
from core.strategies.writing import Intents

T = TypeVar("T")


class Caching:
    """The reading half of a strategy that caches."""

    name: ClassVar[str]

    def __init__(self, reads: MovieReads, answers: CollectionAnswers, intents: Intents) -> None:
        self._reads = reads
        self._answers = answers
        self.intents = intents
        self.hit = reads.hit
        """One movie out of a cache, read together with what else this tick asks for."""

    async def read(self, id: str) -> Answer:
        """One movie, read through the cache."""
        return await self._reads.read(id)

    async def read_many(self, ids: Sequence[str]) -> list[Answer]:
        """Several movies, read through the cache."""
        return await self._reads.read_many(ids)

    async def answer(self, question: Question[T]) -> Computed[T]:
        """Something about the whole collection, read through the cache."""
        return await self._answers.answer(question)
