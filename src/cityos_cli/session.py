"""What one command works with: its settings, the application over the configured database, and where results go."""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self, TypeVar

import typer
from attrs import Factory, define, field

from cityos_adapters.settings import Settings, read_settings
from cityos_cli.failures import UsageError
from cityos_cli.output import Format, Output
from cityos_cli.parameters import whoever_runs_this
from cityos_core.kernel.caller import Caller, acting
from cityos_core.kernel.paging import every
from cityos_core.kernel.scope import PlatformScope, Scope, TenantScope

if TYPE_CHECKING:
    from cityos_core.access.model import Principal
    from cityos_core.app import CityOS
    from cityos_core.kernel.ids import PlanId, VendorId
    from cityos_core.tenancy.model import Tenant

T = TypeVar("T")

CLI: Final = "system:cli"
"""What the audit calls the command line."""


def command_caller(ctx: typer.Context) -> Caller:
    """Name who runs a command, and the command as ``vendors:approve``; why, if it takes a reason."""
    words = ctx.command_path.split()[1:]
    return Caller(
        principal=CLI, name=whoever_runs_this(), action=":".join(words), reason=ctx.params.get("reason") or None
    )


@define(kw_only=True)
class Session:
    """One command's surroundings; nothing is opened before it is asked for, everything is closed at the end."""

    settings: Settings
    output: Output = Factory(Output)
    _open: ExitStack = field(factory=ExitStack, init=False)

    @classmethod
    def of(cls, ctx: typer.Context) -> Self:
        """Give the session of a running command, in whose name everything is done until it ends."""
        session = ctx.find_object(cls)
        if session is None:
            raise LookupError("a command runs under the options of the cityos command")
        session.act_as(command_caller(ctx))
        return session

    def act_as(self, who: Caller) -> None:
        """Let everything be done by someone until the session ends."""
        self._open.enter_context(acting(who))

    @classmethod
    def opened(cls, *, tenant: str | None, database_url: str | None, config: Path | None, output: Format) -> Self:
        """Begin a session from the options every command shares."""
        flags = {"tenant": tenant, "database_url": database_url}
        return cls(settings=read_settings(flags, os.environ, config), output=Output(output))

    def open(self, what: AbstractContextManager[T]) -> T:
        """Open something that is closed when the session ends."""
        return self._open.enter_context(what)

    @cached_property
    def city(self) -> "CityOS":
        """The application over the configured database."""
        from cityos_adapters.bootstrap import open_city

        return self.open(open_city(self.settings))

    @property
    def now(self) -> datetime:
        """The present instant, by the clock that the application has."""
        from cityos_adapters.bootstrap import SystemClock

        return SystemClock().now()

    @cached_property
    def tenant(self) -> "Tenant":
        """The tenant that was chosen; a command that needs one says so."""
        if not self.settings.tenant:
            raise UsageError("this works in a tenant: add --tenant HANDLE or set CITYOS_TENANT")
        return self.city.tenants.get(self.settings.tenant)

    @property
    def scope(self) -> TenantScope:
        """The scope of the tenant that was chosen."""
        return self.tenant.scope

    @cached_property
    def vendor_handles(self) -> Mapping["VendorId", str]:
        """The handle of every vendor of the tenant, by its id."""
        vendors = every(lambda request: self.city.vendors.list(self.scope, request))
        return {vendor.id: vendor.handle for vendor in vendors}

    @cached_property
    def plan_handles(self) -> Mapping["PlanId", str]:
        """The handle of every plan of the tenant, by its id."""
        plans = every(lambda request: self.city.plans.list(self.scope, request))
        return {plan.id: plan.handle for plan in plans}

    def do(self, act: Callable[[], T], *, dry_run: bool) -> T:
        """Do something in the tenant; as a dry run for what it gives only, nothing of it stays."""
        return self.city.requests.rehearse(self.scope, act) if dry_run else act()

    def scope_or_platform(self, *, platform: bool) -> Scope:
        """The scope of the tenant that was chosen; the platform's if there is none, or if it is asked for."""
        return PlatformScope() if platform or not self.settings.tenant else self.scope

    def scope_unless(self, *, platform: bool) -> Scope:
        """The platform's scope if it is asked for; else that of a tenant, which has to be chosen."""
        return PlatformScope() if platform else self.scope

    @property
    def principal(self) -> "Principal":
        """Whoever runs the command: someone beside the database, to whom it is all open anyway."""
        from cityos_core.access.roles import part_of_the_system

        return part_of_the_system("cli", person=whoever_runs_this())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        self._open.__exit__(kind, error, trace)
