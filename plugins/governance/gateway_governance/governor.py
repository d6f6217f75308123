"""
Governance of one worker: everything that the hooks need, put together and kept up to date.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Self

import attrs
import structlog

from gateway.storage import FILE, Storage
from gateway.tasks import running
from gateway_governance.access import AccessTable
from gateway_governance.admission import Admission
from gateway_governance.books import Books, Facts
from gateway_governance.choosing import Chooser
from gateway_governance.counting import Counter
from gateway_governance.events import BudgetCrossed, BudgetOverran, HoldBurned
from gateway_governance.expected import Expected
from gateway_governance.ledger.authority import Burned, Crossed
from gateway_governance.ledger.ledger import Fact, Ledger, Overran
from gateway_governance.ledger.meters import MICROS, micros
from gateway_governance.ledger.sqlite import MIGRATED_AS, MIGRATIONS, SqliteAuthority
from gateway_governance.payments import Payments
from gateway_governance.pricing import Ceiling, Pricer, Unpriced
from gateway_governance.retention import Retention
from gateway_governance.rules import RuleSet
from gateway_governance.run_rows import RunRows
from gateway_governance.runs import Runs
from gateway_governance.settings import (
    GovernanceSettings,
    UnpricedAtCeiling,
    is_key_required,
)
from gateway_governance.store import Store
from gateway_governance.usage_reports import UsageReports
from gateway_governance.values import PURPOSE, Mint
from gateway_governance.watch import Watch

if TYPE_CHECKING:
    from gateway import Gateway
    from gateway.catalog import Catalog, ModelFacts
    from gateway.settings import Settings
    from gateway_governance.entities import Owner
    from gateway_governance.snapshot import Snapshot

log = structlog.get_logger("gateway.governance")

_PICO_PER_USD_A_MILLION = 1_000_000


@attrs.define(eq=False, kw_only=True)
class Governor:
    """
    What governance works with, in one worker.  Made by `open`.

    Attributes:
        store: The entities in the database; the management API changes them.
        watch: The snapshot of them that is in force.
        ledger: What was spent and is held.
        reports: Who used what.
        runs: What callers call their runs.
    """

    gateway: Gateway
    settings: GovernanceSettings
    store: Store
    watch: Watch
    ledger: Ledger
    reports: UsageReports
    runs: Runs
    counter: Counter
    admission: Admission = attrs.field(init=False)
    payments: Payments = attrs.field(init=False)
    _access: AccessTable = attrs.field(factory=AccessTable, init=False)
    _random: Random = attrs.field(factory=Random, init=False)
    _books: Books | None = attrs.field(default=None, init=False)
    _catalog: Catalog | None = attrs.field(default=None, init=False)
    _runtime: object = attrs.field(default=None, init=False)
    _vendors: dict[str, str] = attrs.field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self._known_vendors()
        self.admission = Admission(
            snapshot=lambda: self.watch.snapshot,
            ledger=self.ledger,
            runs=self.runs,
            requires_key=self.requires_key,
            required_headers=self.settings.required_headers,
            drain=self.settings.drain(),
        )
        self.payments = Payments(
            settings=self.settings,
            ledger=self.ledger,
            books=self.books,
            counter=self.counter,
            expected=Expected(),
        )

    @classmethod
    @asynccontextmanager
    async def open(
        cls, gateway: Gateway, settings: GovernanceSettings
    ) -> AsyncIterator[Self]:
        """
        Open the database and the ledger, and read everything.

        Raises:
            ConfigError: something that is declared does not fit what is stored.
        """
        mint = Mint(gateway.derive(PURPOSE))
        store = Store(storage=gateway.storage, mint=mint, clock=gateway.clock)
        await store.open()
        # Of this machine even where the entities are in a database of many.
        local = Storage(gateway.data_dir)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(local.close)
            await local.migrate(MIGRATED_AS, MIGRATIONS)
            authority = SqliteAuthority(gateway.data_dir / FILE)
            stack.push_async_callback(authority.close)
            ledger = await stack.enter_async_context(
                Ledger.open(
                    gateway.data_dir,
                    authority,
                    clock=gateway.clock,
                    tell=_Teller(gateway).tell,
                    most_waiting=settings.wait.max_waiting,
                )
            )
            counter = Counter(gateway.runtime.encodings)
            stack.callback(counter.close)

            def follow(snapshot: Snapshot, owners: tuple[Owner, ...]) -> None:
                ledger.set_limits(
                    meter for owner in owners for meter in snapshot.owner_meters(owner)
                )

            watch = Watch(store, clock=gateway.clock, listener=follow)
            await watch.start(settings, gateway.secrets.get)
            runs = Runs(
                rows=RunRows(gateway.storage, settings.runs.max_per_key),
                clock=gateway.clock,
                lifetime_s=settings.runs.lifetime_s,
                forget=ledger.forget,
            )
            stack.push_async_callback(runs.close)
            reports = UsageReports(local.engine)
            retention = Retention(
                prunes=(
                    reports.prune,
                    lambda before: authority.prune(micros(before)),
                ),
                keep_days=settings.keep_usage_days,
                clock=gateway.clock,
            )
            await stack.enter_async_context(
                running(
                    watch.run(), runs.run(), retention.run(), name="governance-loop"
                )
            )
            yield cls(
                gateway=gateway,
                settings=settings,
                store=store,
                watch=watch,
                ledger=ledger,
                reports=reports,
                runs=runs,
                counter=counter,
            )

    # --- what is in force -------------------------------------------------------------------

    def requires_key(self, core: Settings) -> bool:
        """
        Tell whether callers without a virtual key are refused, by the core's settings.
        """
        return requires_key(self.settings, core)

    def books(self) -> Books:
        """
        Return prices and rules for the snapshot and the settings in force, made once for each.
        """
        snapshot, runtime = self.watch.snapshot, self.gateway.runtime
        books = self._books
        if (
            books is not None
            and books.snapshot is snapshot
            and self._runtime is runtime
        ):
            return books
        catalog = runtime.catalog
        vendors = self._known_vendors()

        def facts(provider: str, model: str) -> tuple[str, ModelFacts]:
            vendor = vendors[provider]
            return vendor, catalog.limits(vendor, model)

        self._books = self._new_books(books, snapshot, catalog, facts)
        self._runtime, self._catalog = runtime, catalog
        return self._books

    def _known_vendors(self) -> Mapping[str, str]:
        """
        Return each provider's vendor; of one that is gone too, for exchanges that ask it still.
        """
        providers = self.gateway.runtime.providers
        self._vendors |= {name: one.vendor.name for name, one in providers.items()}
        return self._vendors

    def _new_books(
        self, before: Books | None, snapshot: Snapshot, catalog: Catalog, facts: Facts
    ) -> Books:
        pricer = (
            None if before is None or catalog is not self._catalog else before.pricer
        )
        if (
            pricer is None
            or before is None
            or (before.snapshot.overrides is not snapshot.overrides)
        ):
            pricer = Pricer(
                catalog, snapshot.overrides.values(), _unpriced(self.settings)
            )
            for override_id, fault in pricer.faults:
                log.error("pricing override", id=override_id, fault=fault)
        chooser = None if before is None else before.chooser
        if (
            chooser is None
            or before is None
            or (before.snapshot.rules is not snapshot.rules)
        ):
            rules = RuleSet(snapshot.rules.values())
            for problem in rules.problems:
                log.error("routing rule", problem=problem)
            chooser = Chooser(rules=rules, access=self._access, random=self._random)
        return Books(snapshot=snapshot, pricer=pricer, chooser=chooser, facts=facts)


def requires_key(settings: GovernanceSettings, core: Settings) -> bool:
    """
    Tell whether callers without a virtual key are refused.

    Args:
        core: The gateway's own settings.
    """
    return is_key_required(
        settings,
        has_file=core.source is not None,
        is_exposed=not core.server.listen.is_loopback,
    )


def _unpriced(settings: GovernanceSettings) -> Unpriced:
    policy = settings.unpriced_models
    if not isinstance(policy, UnpricedAtCeiling):
        return policy
    ceiling = policy.ceiling
    return Ceiling(
        input_pico=int(ceiling.input * _PICO_PER_USD_A_MILLION),
        output_pico=int(ceiling.output * _PICO_PER_USD_A_MILLION),
    )


@attrs.frozen(eq=False)
class _Teller:
    """
    Makes events of what the ledger tells.
    """

    gateway: Gateway

    def tell(self, fact: Fact) -> None:
        """
        Tell every plugin of *fact*, and the operator of what is amiss.
        """
        at = self.gateway.clock.now()
        match fact:
            case Crossed():
                self.gateway.broadcast(
                    BudgetCrossed(
                        at=at,
                        meter=fact.meter,
                        percent=fact.percent,
                        spent_nano=fact.spent,
                        limit_nano=fact.limit,
                        window_starts=fact.starts / MICROS,
                    )
                )
            case Overran():
                log.warning(
                    "budget overrun", over_nano=fact.over_nano, meters=fact.meters
                )
                self.gateway.broadcast(
                    BudgetOverran(at=at, meters=fact.meters, over_nano=fact.over_nano)
                )
            case Burned():
                amount = max((charge.amount for charge in fact.charges), default=0)
                self.gateway.broadcast(
                    HoldBurned(at=at, hold_id=f"{fact.hold_id:x}", amount_nano=amount)
                )
