"""A catalogue for a test: real HTTP on loopback, either store, a clock that can be set."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import uvicorn
from own_postgresql import free_port

from pan_catalogue import app, ingest, techniques
from pan_catalogue.settings import Push, Settings
from pan_catalogue.store import open as store
from pan_catalogue.store.write import Catalogue

TOKEN = "a-token-of-the-tests"


class Served:
    """One catalogue.

    Attributes:
        settings: of the service.
        clock: seconds since 1970; set it to move on.
        http: client whose base is the service's address.
    """

    def __init__(self, url: str, folder: Path, **settings: Any) -> None:
        tokens = folder / "tokens"
        tokens.write_text(f"{hashlib.sha256(TOKEN.encode()).hexdigest()} tests\n")
        tokens.chmod(0o600)
        self.settings = Settings(store=url, **{"push": Push(str(tokens)), **settings})
        self.clock = time.time()
        self.writer = store.writer(self.settings)
        self.catalogue = Catalogue(self.writer)

    def load(self, records: Iterable[dict[str, Any]]) -> ingest.Result:
        """Take records in."""
        return ingest.take(
            self.catalogue,
            [(f"record {n}", json.dumps(r, ensure_ascii=False).encode()) for n, r in enumerate(records, 1)],
        )

    def ontology(self, file: Path) -> bool:
        """Take an ontology in."""
        return self.catalogue.ontology(*techniques.read(file))

    def start(self) -> Served:
        """Answer requests."""
        port = free_port()
        config = uvicorn.Config(
            app.application(self.settings, lambda: self.clock),
            host="127.0.0.1",
            port=port,
            log_config=None,
            http="httptools",
            lifespan="on",
        )
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
        for _ in range(500):
            if self.server.started:
                return self
            time.sleep(0.01)
        raise AssertionError("the service did not start")

    def stop(self) -> None:
        """Stop answering, and close the database."""
        if hasattr(self, "server"):
            self.http.close()
            self.server.should_exit = True
            self.thread.join(10)
        self.writer.close()

    # -- calls of the search API

    def answer(self, path: str, **parameters: Any) -> httpx.Response:
        """Return the answer to a call; parameters that are no text are sent as JSON."""
        query = {
            k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False)
            for k, v in parameters.items()
            if v is not None
        }
        return self.http.get(f"/api/{path}", params=query)

    def get(self, path: str, **parameters: Any) -> Any:
        """Return the JSON of an answer that must be 200."""
        response = self.answer(path, **parameters)
        assert response.status_code == 200, response.text
        return response.json()

    def pids(self, path: str, filter: Any = None) -> list[str]:
        """Return the pids of a list."""
        return [o["pid"] for o in self.get(path, filter=filter)]

    def count(self, path: str, where: Any = None) -> int:
        """Return a count."""
        return int(self.get(f"{path}/count", where=where)["count"])

    def refused(self, path: str, status: int = 400, **parameters: Any) -> str:
        """Return the message of an answer that must be an error."""
        response = self.answer(path, **parameters)
        assert response.status_code == status, f"{response.status_code}: {response.text[:500]}"
        error = response.json()["error"]
        assert error["statusCode"] == status
        return str(error["message"])


def segment(pid: str) -> str:
    """Return a pid as one segment of a path."""
    return quote(pid, safe="")


def include(relation: str, where: Any = None, *inner: Any, **scope: Any) -> dict[str, Any]:
    """Return an include."""
    scope = {**scope, **({"where": where} if where is not None else {}), **({"include": list(inner)} if inner else {})}
    return {"relation": relation, **({"scope": scope} if scope else {})}


def quantity(name: str, value: Any, unit: str | None = None) -> dict[str, Any]:
    """Return an include of the parameters with a name and a value in a unit."""
    return include("parameters", {"and": [{"name": name}, {"value": value}, *([{"unit": unit}] if unit else [])]})


def dataset(pid: str, title: str = "A dataset", **pan: Any) -> dict[str, Any]:
    """Return a record of a dataset."""
    return {
        "titles": [{"title": title}],
        "pan": {"kind": "dataset", "pid": pid, "isPublic": True, "creationDate": "2020-05-05T15:01:02.341Z", **pan},
    }


def document(
    pid: str, title: str = "A document", summary: str | None = None, keywords: Iterable[str] = (), **pan: Any
) -> dict[str, Any]:
    """Return a record of a document."""
    described = [{"description": summary, "descriptionType": "Abstract"}] if summary else []
    return {
        "titles": [{"title": title}],
        "descriptions": described,
        "subjects": [{"subject": k} for k in keywords],
        "pan": {"kind": "document", "pid": pid, "isPublic": True, "type": "proposal", **pan},
    }


def instrument(pid: str, name: str = "An instrument", facility: str = "Demo") -> dict[str, Any]:
    """Return a record of an instrument."""
    return {"titles": [{"title": name}], "pan": {"kind": "instrument", "pid": pid, "facility": facility}}
