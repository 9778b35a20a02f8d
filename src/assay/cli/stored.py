"""The database as it is, for commands that only look: nothing is made or changed."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from assay.core import NotFound, Settings, Unavailable
from assay.store import Database, open_database, pending
from assay.store.database import is_postgresql, sqlite_path
from assay.web import SCHEMAS


@asynccontextmanager
async def stored(settings: Settings) -> AsyncGenerator[Database, None]:
    """The database, open for as long as the ``with`` lasts.

    Raises:
        NotFound: ``store.no_database``, there is none yet.
        Unavailable: ``store.older_schema``, or it cannot be reached.
    """
    url = settings.database_url
    if not is_postgresql(url) and not sqlite_path(url).exists():
        raise NotFound("store.no_database", f"There is no database {str(sqlite_path(url))!r} yet.", hint="`assay up` makes it.")
    database = await open_database(url)
    try:
        if waiting := await pending(database, *SCHEMAS):
            raise Unavailable(
                "store.older_schema", f"The database has yet to take {len(waiting)} migrations.", hint="Run `assay db migrate`."
            )
        yield database
    finally:
        await database.close()
