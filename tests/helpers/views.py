"""A space as `invariants` reads it: over HTTP from a running bridge, or straight from an engine."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import strict_json

from bridge.engine import Engine
from bridge.space.browse import Budget

Row = dict[str, Any]

MOST_IDS = 2_000  # in one request: answers of a size that a client would ask for
MOST_COMPONENTS = 1_000_000  # in one answer of an engine that is asked directly: never reached


class EngineView:
    """Asks an engine."""

    def __init__(self, engine: Engine) -> None:
        self._browse = engine.browse

    def namespaces(self) -> list[Row]:
        return self._browse.namespaces()

    def object_types(self) -> list[Row]:
        return self._browse.object_types()

    def relationship_types(self) -> list[Row]:
        return self._browse.relationship_types()

    def objects(self) -> list[Row]:
        return self._browse.objects(metadata=True)

    def related(self, ids: Sequence[str]) -> list[list[Row]]:
        return [self._browse.related(ident) or [] for ident in ids]

    def values(self, ids: Sequence[str], max_depth: int) -> list[Row]:
        return [self._browse.value(ident, max_depth, Budget(MOST_COMPONENTS)) or {} for ident in ids]


class HttpView:
    """Asks a bridge; every answer must be 200 and strict JSON in the standard's envelope."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def namespaces(self) -> list[Row]:
        return self._listing("/v1/namespaces")

    def object_types(self) -> list[Row]:
        return self._listing("/v1/objecttypes")

    def relationship_types(self) -> list[Row]:
        return self._listing("/v1/relationshiptypes")

    def objects(self) -> list[Row]:
        return self._listing("/v1/objects?includeMetadata=true")

    def related(self, ids: Sequence[str]) -> list[list[Row]]:
        return list(self._bulk("/v1/objects/related", ids))

    def values(self, ids: Sequence[str], max_depth: int) -> list[Row]:
        return list(self._bulk("/v1/objects/value", ids, maxDepth=max_depth))

    def value(self, ident: str, max_depth: int = 1) -> Row:
        return self.values([ident], max_depth)[0]

    def history(self, ids: Sequence[str], start: str, end: str) -> list[Row]:
        return list(self._bulk("/v1/objects/history", ids, startTime=start, endTime=end))

    def _listing(self, path: str) -> list[Row]:
        body = self._answer(lambda: self._client.get(path))
        assert body["success"] is True
        return body["result"]  # type: ignore[no-any-return]

    def _bulk(self, path: str, ids: Sequence[str], **options: object) -> Iterator[Any]:
        for start in range(0, len(ids), MOST_IDS):
            some = list(ids[start : start + MOST_IDS])
            body = self._answer(lambda some=some: self._client.post(path, json={"elementIds": some, **options}))  # type: ignore[misc]
            assert "result" not in body
            assert [item["elementId"] for item in body["results"]] == some
            for item in body["results"]:
                assert item["success"] is True, item
                yield item["result"]

    @staticmethod
    def _answer(ask: Callable[[], httpx.Response]) -> Row:
        answer = ask()
        assert answer.status_code == httpx.codes.OK, f"{answer.request.url}: {answer.status_code} {answer.text[:500]}"
        assert answer.headers["content-type"] == "application/json"
        return strict_json.parse(answer.content)  # type: ignore[no-any-return]
