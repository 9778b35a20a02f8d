"""Meters of processes that share a database: each leases parts of budgets and limits, and gives out of those by itself.

All that a process wants of the database is asked for in rounds, one at a time: whoever comes while one is under way waits for the
next, and all meters of all who wait are leased of in one transaction. A lease is what was asked for and about a second's worth
more, at most a part of what is left, so nearer the end it shrinks to just what requests need. What is not needed for half a
second goes back.

A process shows that it lives by its beat, which the others watch on their own clocks: whose beat stands still for `DEAD_S` is dead, and
its leases fall back. It stops giving out by itself before that (`VALID_S`), so nothing is given out twice. What requests of a killed
process used and nobody recorded is lost to the meters as it is to the rows of calls.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from operator import attrgetter, itemgetter
from typing import Any

from assay.core import AssayError, Holder, Measure, Unavailable, new_id
from assay.core.clock import Clock
from assay.gateway.hold import Hold
from assay.gateway.limits.account import Account
from assay.gateway.limits.meter import Need
from assay.gateway.limits.permits import GOOD_S, Lapse, Permits
from assay.gateway.limits.rounds import DEAD_S, Answer, Beats, Lease, Round, State, is_denied
from assay.gateway.limits.wallet import Wallet
from assay.store.database import Database, Transaction
from assay.store.meters import (
    BEAT,
    DELETE_LAPSED,
    DELETE_LEASE,
    DELETE_LEASES_OF,
    DELETE_LESSEE,
    DELETE_OLD_RATES,
    DELETE_USED_UP,
    ENTER_LESSEE,
    INSERT_METER,
    LOCK_LEASES,
    LOCK_METERS,
    RETURN_LEASE,
    SELECT_STATE,
    UPSERT_LEASE,
)

VALID_S = 8.0
TICK_S = 0.25
_BEAT_S = 2.0
_LINGER_S = DEAD_S + 2 * _BEAT_S
_PATIENCE_S = 1.0
"""For so long a request waits for what other processes hold and may not need."""
_PAUSE_S = 0.1
_ANSWER_S = 0.2
"""For so long it counts that the database had no more."""
_SHARES = 25
"""Processes together hold a twenty-fifth of a limit per minute at most, unless a request needs more."""
_PART = 4
_AHEAD = 4
"""How many looks' worth is leased ahead: a second's."""

_log = logging.getLogger(__name__)


class Shared:
    """``process`` names this one among the others; it gives out by itself until ``valid_until`` (steady seconds)."""

    holds_all = False

    def __init__(self, db: Database, clock: Clock, span_s: float):
        self._db = db
        self._clock = clock
        self._span_s = span_s
        self.process = new_id()
        self.valid_until = float("-inf")
        self.ended: set[Hold] = set()
        self._leased: set[Wallet | Permits] = set()
        self._rates: set[Permits] = set()
        self._existing: set[tuple[str, int]] = set()
        """Meters that have a row."""

        self._back: dict[tuple[str, int], int] = {}
        self._drops: set[tuple[str, int]] = set()
        self._answers: dict[str, Answer] = {}
        self._beats = Beats()
        self._beat_s = self._active_s = float("-inf")
        self._has_entered = False
        self._next: Round | None = None
        self._turn = asyncio.Lock()
        self._running: asyncio.Task[None] | None = None
        self._keeping: asyncio.Task[None] | None = None

    def places(self, key: str, holder: Holder, amount: int) -> Wallet:
        """A limit of requests at a time."""
        return Wallet(key, holder, amount, is_lease=True)

    def rate(self, key: str, holder: Holder, measure: Measure, limit: int) -> Permits:
        """A limit per minute."""
        permits = Permits(key, holder, measure, limit, self.give_back)
        self._rates.add(permits)
        return permits

    def changed(self, wallets: Iterable[Wallet]) -> None:
        """There may be more now than the database said, or less."""
        self._answers.clear()
        self._watch()

    def _watch(self) -> None:
        """Look after leases, and for processes that died with some."""
        self._active_s = self._clock.steady_s()
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="leases")

    def hold(self, account: Account, amounts: Sequence[int], paced: int, at_us: int, now_s: float) -> Hold | None:
        """Set aside what is wanted, if all of it is held."""
        if now_s >= self.valid_until:
            return None
        for meter, need in account.needs(amounts, paced):
            if not meter.has(need, at_us, now_s):
                return None
        for meter, need in account.needs(amounts, paced):
            meter.taken += need
        hold = Hold(account, amounts, paced, self.ended)
        return hold if hold.take(now_s) else None

    async def fill(self, short: Sequence[Need], at_us: int, now_s: float, since_s: float) -> Need | None:
        """Get more for the meters that are short of something; the need for which there is no more, or None: look again.
        ``since_s`` is when the request began to wait, by the event loop's time.

        Raises:
            Unavailable: the database does not answer.
        """
        for meter, need in short:
            answer = self._answers.get(meter.key)
            if isinstance(meter, Permits) and need > meter.limit:
                return meter, need
            if answer is None or now_s - answer.at_s >= _ANSWER_S or not is_denied(meter, need, answer):
                continue
            if isinstance(meter, Wallet) or meter.wait_s(need, now_s) != 0:
                return meter, need
        if self._next is None:
            self._next = Round()
        asked = self._next
        places = [asked.ask(meter, need) for meter, need in short]
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="leasing")
        await asyncio.shield(asked.done)
        denied = [one for one, place in zip(short, places, strict=True) if not asked.admitted[one[0]][place]]
        is_late = asyncio.get_running_loop().time() - since_s > _PATIENCE_S
        for meter, need in denied:
            answer = self._answers.get(meter.key)
            if is_late or (answer is not None and is_denied(meter, need, answer)):
                return meter, need
        if denied:
            # Others hold what may be idle.
            await asyncio.sleep(_PAUSE_S)
        return None

    # Rounds

    async def _run(self) -> None:
        try:
            while (asked := self._next) is not None:
                async with self._turn:
                    self._next = None
                    try:
                        await self._lease(asked)
                    except AssayError as error:
                        asked.done.set_exception(error)
                    else:
                        asked.done.set_result(None)
        finally:
            self._running = None

    async def _lease(self, asked: Round) -> None:
        """One transaction for all meters that are short of something."""
        needs = asked.needs
        self._watch()
        now_us, begun_s = self._clock.now_us(), self._clock.steady_s()
        wallets = sorted((one for one in needs if isinstance(one, Wallet)), key=lambda one: one.key)
        rates = sorted((one for one in needs if isinstance(one, Permits)), key=lambda one: one.key)
        for rate in rates:
            if begun_s >= rate.until_s:
                rate.drop()
        windows = {wallet: wallet.window(now_us) for wallet in wallets}
        for wallet, (starts, _) in windows.items():
            if wallet.starts != starts:
                self._leave_window(wallet)
        places = [(wallet.key, starts) for wallet, (starts, _) in windows.items()] + [(rate.key, 0) for rate in rates]
        places.sort(key=itemgetter(1, 0))
        grants: dict[Wallet | Permits, int] = {}
        is_doubted = begun_s > self.valid_until - VALID_S / 2
        async with self._writing(begun_s, places, beats=is_doubted) as (tx, state, used):
            processes = max(1, len(state.beats))
            for wallet, (starts, _) in windows.items():
                rows = [lease for lease in state.leases if lease.meter == wallet.key and lease.starts == starts]
                grants[wallet] = self._grant(wallet, asked, used[wallet.key], rows, processes, begun_s)
            for rate in rates:
                rows = [lease for lease in state.leases if lease.meter == rate.key]
                grants[rate] = self._grant_rate(rate, asked, rows, processes, begun_s, state.clock_us)
            if given := self._given(grants, windows, state.clock_us):
                await tx.write(UPSERT_LEASE, given)
        for wallet, window in windows.items():
            if wallet.starts != window[0]:
                wallet.enter(window, grants[wallet], used[wallet.key])
            else:
                wallet.add(grants[wallet])
                wallet.used = used[wallet.key]
            # Who waited for it takes it in a moment.
            wallet.lately = max(wallet.lately, grants[wallet])
        for rate in rates:
            if grants[rate]:
                rate.room += grants[rate]
                rate.granted, rate.until_s = state.clock_us, self._clock.steady_s() + GOOD_S
        self._leased.update(one for one, amount in grants.items() if amount)

    def _given(
        self, grants: Mapping[Wallet | Permits, int], windows: Mapping[Wallet, tuple[int, int]], clock_us: int
    ) -> list[dict[str, Any]]:
        """The rows of what is granted. Their meters are locked, so that their order does not matter."""
        return [
            {
                "process": self.process,
                "meter": one.key,
                "starts": windows[one][0] if isinstance(one, Wallet) else clock_us,
                "amount": amount,
            }
            for one, amount in grants.items()
            if amount
        ]

    def _grant(self, wallet: Wallet, asked: Round, used: int, rows: Sequence[Lease], processes: int, now_s: float) -> int:
        """How much of a budget, or how many places, this process gets."""
        left: int = wallet.amount - used - sum(row.amount for row in rows)
        # What is set aside without a lease: a window began meanwhile, or we were thought dead.
        owed = min(max(0, wallet.reserved - wallet.held), max(0, left))
        free = max(0, wallet.room)
        room = left - owed + free
        wanted = asked.admit(wallet, room)
        grant = owed + max(0, wanted - free)
        ahead = min(_AHEAD * max(wallet.taken, wallet.lately), (left - grant) // (_PART * processes))
        if all(asked.admitted[wallet]) and ahead > 0:
            grant += ahead
        others = sum(row.amount for row in rows if row.process != self.process)
        self._answers[wallet.key] = Answer(room - wanted, others, now_s)
        return grant

    def _grant_rate(self, rate: Permits, asked: Round, rows: Sequence[Lease], processes: int, now_s: float, clock_us: int) -> int:
        """How many permits this process gets."""
        left: int = rate.limit - sum(row.amount for row in rows)
        wanted = asked.admit(rate, left + rate.room)
        ahead = min(max(rate.taken, rate.lately), rate.limit // (_SHARES * processes))
        held = max(wanted, ahead) if all(asked.admitted[rate]) else wanted
        grant = max(0, min(left, held - rate.room))
        rate.left = left - grant
        span_us = int(self._span_s * 1e6)
        rate.lapses = [
            Lapse(now_s + (row.starts + span_us - clock_us) / 1e6, row.amount) for row in sorted(rows, key=attrgetter("starts"))
        ]
        self._answers[rate.key] = Answer(left + rate.room - wanted, 0, now_s)
        return grant

    # What goes back

    def give_back(self, key: str, starts: int, amount: int) -> None:
        """So much of a lease is not needed; it goes back with the next transaction."""
        if amount:
            self._back[key, starts] = self._back.get((key, starts), 0) + amount

    def _leave_window(self, wallet: Wallet) -> None:
        """What is held of a window that has ended, or that the clock left, is not needed."""
        if wallet.starts >= 0:
            self._drops.add((wallet.key, wallet.starts))
            self._existing.discard((wallet.key, wallet.starts))
        wallet.lose()

    def _look_after(self, now_s: float) -> None:
        """Part with what was not needed lately."""
        for one in list(self._leased):
            lately = max(one.taken, one.lately)
            one.taken, one.lately = 0, one.taken
            if isinstance(one, Permits):
                if now_s >= one.until_s:
                    one.drop()
                    if not lately:
                        self._leased.discard(one)
                continue
            free = one.room
            if not lately and one.reserved <= 0:
                self._drops.add((one.key, one.starts))
                one.lose()
                self._leased.discard(one)
            elif free > 2 * _AHEAD * lately:
                self.give_back(one.key, one.starts, free - _AHEAD * lately)
                one.add(_AHEAD * lately - free)

    async def _keep(self) -> None:
        """Every quarter of a second as long as anything is leased, and a while after: somebody may have died."""
        try:
            while True:
                await asyncio.sleep(TICK_S)
                async with self._turn:
                    now_s = self._clock.steady_s()
                    self._look_after(now_s)
                    is_leasing = bool(self._leased or self._back or self._drops)
                    if self._back or self._drops or now_s - self._beat_s >= _BEAT_S:
                        with suppress(AssayError):
                            await self._beat(now_s)
                    if not is_leasing and now_s - self._active_s > _LINGER_S:
                        await self._leave()
                        return
        finally:
            self._keeping = None

    async def _beat(self, now_s: float) -> None:
        if self._leased or self._back or self._drops:
            async with self._writing(now_s, beats=True) as (_, state, _):
                beats = state.beats
        else:
            beats = (await self._read_state(self._db, [])).beats
            self._beat_s = now_s
        await self._bury([process for process in self._beats.note(beats, now_s) if process != self.process])

    async def _bury(self, dead: Iterable[str]) -> None:
        """The leases of those that died fall back."""
        for process in dead:
            _log.warning("a process died with leases of budgets and limits; they are free again process=%s", process)
            await self._db.write([(DELETE_LEASES_OF, {"process": process}), (DELETE_LESSEE, {"process": process})])

    @asynccontextmanager
    async def _writing(
        self, begun_s: float, places: Sequence[tuple[str, int]] = (), *, beats: bool = False
    ) -> AsyncIterator[tuple[Transaction, State, dict[str, int]]]:
        """A transaction that locks ``places`` and returns what goes back: if it fails, that goes with the next. With it come what others
        have leased of those, and what was used."""
        back, self._back = self._back, {}
        drops, self._drops = self._drops, set()
        try:
            async with self._db.transaction() as tx:
                used = await self._lock(tx, places)
                await self._return(tx, back, drops)
                state = await self._read_state(tx, [key for key, _ in places])
                if self.process not in state.beats:
                    if self._has_entered:
                        self._forfeit()
                    await tx.write(ENTER_LESSEE, {"process": self.process})
                elif beats:
                    await tx.write(BEAT, {"process": self.process})
                state = await self._forget_lapsed(tx, state)
                yield tx, state, used
        except BaseException:
            for (key, starts), amount in back.items():
                self.give_back(key, starts, amount)
            self._drops |= drops
            raise
        if beats or not self._has_entered:
            self._beat_s = begun_s
            self.valid_until = begun_s + VALID_S
        self._has_entered = True
        self._existing.update(places)

    async def _lock(self, tx: Transaction, places: Sequence[tuple[str, int]]) -> dict[str, int]:
        """Lock meters, so that nobody else leases of them meanwhile; what was used of each."""
        if not places:
            return {}
        if new := [place for place in places if place not in self._existing]:
            await tx.write(INSERT_METER, [{"meter": key, "starts": starts, "used": 0} for key, starts in new])
        wanted = set(places)
        rows = await tx.read(LOCK_METERS, meters=[key for key, _ in places], starts=sorted({starts for _, starts in places}))
        used = {row["meter"]: row["used"] for row in rows if (row["meter"], row["starts"]) in wanted}
        if len(used) < len(places):
            # A budget was taken away just now; its meter with it.
            self._existing.difference_update(places)
            raise Unavailable("store.busy", "A budget was changed just now.", retry_after_s=1)
        return used

    async def _read_state(self, db: Database | Transaction, meters: list[str]) -> State:
        leases, beats, clock_us = [], {}, 0
        host_us = int(self._clock.steady_s() * 1e6)
        for row in await db.read(SELECT_STATE, meters=meters, host_us=host_us):
            lease = Lease(row["process"], row["meter"], row["starts"], row["amount"])
            if lease.meter:
                leases.append(lease)
            elif lease.process:
                beats[lease.process] = lease.amount
            else:
                clock_us = lease.amount
        return State(leases, beats, clock_us)

    async def _forget_lapsed(self, tx: Transaction, state: State) -> State:
        """Without the permits that no longer count. Budgets' leases begin with a window, long before or at no time."""
        after_us = state.clock_us - int(self._span_s * 1e6)
        rates = {one.key for one in self._rates}
        lapsed = {
            (lease.meter, lease.starts)
            for lease in state.leases
            if lease.meter in rates and not after_us < lease.starts <= state.clock_us + 1_000_000
        }
        if lapsed:
            await tx.write(DELETE_LAPSED, [{"meter": meter, "starts": starts} for meter, starts in sorted(lapsed)])
        return state._replace(leases=[lease for lease in state.leases if (lease.meter, lease.starts) not in lapsed])

    async def _return(self, tx: Transaction, back: Mapping[tuple[str, int], int], drops: Collection[tuple[str, int]]) -> None:
        places = sorted({*back, *drops}, key=itemgetter(1, 0))
        rows = {place: {"process": self.process, "meter": place[0], "starts": place[1]} for place in places}
        if len(places) > 1:
            # What was used is being written by the recorder, perhaps of the same leases: in this order, too.
            await tx.read(
                LOCK_LEASES, process=self.process, meters=[key for key, _ in places], starts=sorted({at for _, at in places})
            )
        if back:
            returned = [rows[place] | {"amount": back[place]} for place in places if place in back]
            await tx.write(RETURN_LEASE, returned)
            await tx.write(DELETE_USED_UP, returned)
        if drops:
            await tx.write(DELETE_LEASE, [rows[place] for place in places if place in drops])

    def _forfeit(self) -> None:
        """The others thought us dead, and have what we held."""
        for one in self._leased:
            one.lose()
        self._leased.clear()

    async def _leave(self) -> None:
        self.valid_until = float("-inf")
        if self._has_entered:
            process = {"process": self.process}
            with suppress(AssayError):
                now_us = (await self._read_state(self._db, [])).clock_us
                old = {"before": now_us - int(self._span_s * 1e6)}
                await self._db.write([(DELETE_LEASES_OF, process), (DELETE_OLD_RATES, old), (DELETE_LESSEE, process)])
            self._has_entered = False

    async def close(self) -> None:
        """Give everything back."""
        for task in (self._keeping, self._running):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        await self._leave()
