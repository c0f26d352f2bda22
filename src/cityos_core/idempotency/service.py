"""Doing a request once, however often it is sent."""

from collections.abc import Callable
from typing import TypeVar

from attrs import evolve, frozen

from cityos_core.idempotency.model import KEPT, LEASE, Answered, Ask, Reply
from cityos_core.kernel import faults
from cityos_core.kernel.clock import Clock
from cityos_core.kernel.errors import CityOSError, Conflict, Invalid
from cityos_core.kernel.scope import Scope
from cityos_core.recording import Expectation, Transactions
from cityos_core.unit_of_work import UnitOfWork

T = TypeVar("T")

Keep = Callable[[Reply], Reply]


def whole(reply: Reply) -> Reply:
    """Keep all of an answer."""
    return reply


@frozen
class Once:
    """Do a request and keep its answer in the transaction of its effect; the same request again gets the same answer.

    What fails leaves no trace: it may be sent again under its key. ``Invalid("idempotency_key_reused")`` if the key came
    with another request, ``Conflict("request_in_flight")`` while the first is under way.
    """

    transactions: Transactions
    clock: Clock

    def __call__(
        self,
        scope: Scope,
        ask: Ask,
        run: Callable[[], Reply],
        *,
        keep: Keep = whole,
        expectation: Expectation | None = None,
    ) -> tuple[Reply, bool]:
        """Give the answer, and whether it is a replay. Everything that ``run`` does in the scope is one transaction.

        ``keep`` gives what is stored of the answer, where not all of it may be.
        """
        with self.transactions.one(scope, expectation=expectation) as uow:
            known = _known(uow, ask)
            if known is not None and known.reply is not None:
                return known.reply, True
            reply = run()
            uow.answers.put(self._answered(scope, ask, keep(reply)))
            faults.point("idempotency.before_commit")
            uow.commit()
        faults.point("idempotency.after_commit")
        return reply, False

    def _answered(self, scope: Scope, ask: Ask, reply: Reply) -> Answered:
        return Answered(
            tenant_id=scope.tenant_id,
            principal=ask.principal,
            key=ask.key,
            fingerprint=ask.fingerprint,
            created_at=self.clock.now(),
            reply=reply,
        )


@frozen
class OnceInSteps:
    """As :class:`Once`, for work that takes several transactions and can be repeated safely after a crash.

    The key is taken first and the answer kept last. If the process dies in between, the request can be sent again once
    the lease has ended.
    """

    transactions: Transactions
    clock: Clock

    def __call__(self, scope: Scope, ask: Ask, run: Callable[[], Reply], *, keep: Keep = whole) -> tuple[Reply, bool]:
        """Give the answer, and whether it is a replay."""
        now = self.clock.now()
        taken = Answered(
            tenant_id=scope.tenant_id,
            principal=ask.principal,
            key=ask.key,
            fingerprint=ask.fingerprint,
            created_at=now,
            leased_until=now + LEASE,
        )
        with self.transactions(scope) as uow:
            known = _known(uow, ask)
            if known is not None and known.reply is not None:
                return known.reply, True
            if known is not None and known.leased_until is not None and now < known.leased_until:
                raise Conflict("request_in_flight", "this request is under way; ask again in a moment")
            uow.answers.put(taken)
            uow.commit()
        faults.point("idempotency.after_taking")
        try:
            reply = run()
        except CityOSError:
            self._put(scope, evolve(taken, leased_until=None))
            raise
        self._put(scope, evolve(taken, leased_until=None, reply=keep(reply)))
        return reply, False

    def _put(self, scope: Scope, answered: Answered) -> None:
        with self.transactions(scope) as uow:
            uow.answers.put(answered)
            uow.commit()


@frozen
class Together:
    """Do something in one transaction, on the version of a record that the caller saw."""

    transactions: Transactions

    def __call__(self, scope: Scope, run: Callable[[], Reply], expectation: Expectation | None = None) -> Reply:
        """Do it and give its answer."""
        with self.transactions.one(scope, expectation=expectation) as uow:
            reply = run()
            uow.commit()
        return reply


@frozen
class Rehearse:
    """Do something for its answer only: nothing of it stays."""

    transactions: Transactions

    def __call__(self, scope: Scope, run: Callable[[], T], expectation: Expectation | None = None) -> T:
        """Give the answer."""
        with self.transactions.one(scope, expectation=expectation):
            return run()


@frozen
class ForgetAnswers:
    """Remove the answers of a scope that are too old to be replayed."""

    transactions: Transactions
    clock: Clock

    def __call__(self, scope: Scope) -> None:
        """Remove them."""
        with self.transactions(scope) as uow:
            uow.answers.forget(self.clock.now() - KEPT)
            uow.commit()


def _known(uow: UnitOfWork, ask: Ask) -> Answered | None:
    known = uow.answers.find(ask.principal, ask.key)
    if known is not None and known.is_given_back:
        return None
    if known is not None and known.fingerprint != ask.fingerprint:
        raise Invalid("idempotency_key_reused", "this idempotency key came with another request before; use a new one")
    return known


@frozen(kw_only=True)
class RequestUseCases:
    """Requests that must not happen twice."""

    once: Once
    once_in_steps: OnceInSteps
    together: Together
    rehearse: Rehearse
    forget: ForgetAnswers

    @classmethod
    def of(cls, transactions: Transactions, clock: Clock) -> "RequestUseCases":
        """Build them."""
        return cls(
            once=Once(transactions, clock),
            once_in_steps=OnceInSteps(transactions, clock),
            together=Together(transactions),
            rehearse=Rehearse(transactions),
            forget=ForgetAnswers(transactions, clock),
        )
