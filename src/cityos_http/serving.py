"""How a request is served: admitted, counted, authorised, read, done once, answered. The same way for every endpoint."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, Final

from attrs import evolve, field, frozen

from cityos_adapters.serialization import parse, render
from cityos_core.access.conditions import NOTHING
from cityos_core.access.impersonating import caller_of
from cityos_core.access.model import ANONYMOUS, Admission, Principal, RateLimit, Resource
from cityos_core.access.ports import Allowance
from cityos_core.app import CityOS
from cityos_core.idempotency.model import Ask, Reply
from cityos_core.idempotency.service import whole
from cityos_core.kernel.caller import acting
from cityos_core.kernel.errors import (
    FieldError,
    Forbidden,
    Invalid,
    NotFound,
    Throttled,
    Unauthenticated,
)
from cityos_core.recording import Expectation
from cityos_core.tenancy.model import Audience
from cityos_http import conditional, dto, problems
from cityos_http.asking import NOWHERE, Asked
from cityos_http.cursors import Cursors
from cityos_http.endpoint import Endpoint, Needs, Steps
from cityos_http.incoming import Incoming
from cityos_http.options import HttpOptions

_AUDIENCES: Final = {"store": Audience.STOREFRONT, "vendor": Audience.VENDOR, "admin": Audience.ADMIN}


@frozen(kw_only=True)
class Answer:
    """A reply, or pieces of a long one, with the headers that belong to the request rather than to the reply."""

    reply: Reply
    pieces: Iterable[str] | None = None


@frozen(kw_only=True)
class Desk:
    """Serves requests of one city."""

    city: CityOS
    options: HttpOptions
    cursors: Cursors = field(init=False)

    @cursors.default
    def _make_cursors(self) -> Cursors:
        return Cursors(self.options.secret_key)

    def serve(self, endpoint: Endpoint, incoming: Incoming, heads: list[tuple[str, str]]) -> Answer:
        """Serve a request; ``heads`` gathers headers that are sent whatever becomes of it."""
        admission = self._admit(endpoint, incoming)
        incoming.told["principal"] = admission.principal.label
        if admission.tenant is not None:
            incoming.told["tenant"] = admission.tenant.handle
        if endpoint.needs is not Needs.NOTHING:
            self._count(admission, incoming, heads)
        asked = self._asked(endpoint, incoming, admission)
        with acting(
            caller_of(asked.principal, action=endpoint.action, request_id=asked.request_id, address=asked.address)
        ):
            places = asked.places = incoming.places(endpoint)
            self._authorise(asked, places)
            query = _without_dry_run(endpoint, asked, incoming.query)
            self._note_look(asked, places)
            arguments: dict[str, object] = dict(places)
            if endpoint.query is not None:
                arguments["query"] = dto.read_query(endpoint.query, query)
            elif query:
                dto.read_query(_Nothing, query)
            if endpoint.body is not None:
                arguments["body"] = self._body(endpoint.body, incoming)
            elif incoming.body:
                raise Invalid("unexpected_body", "nothing is read from a body here; send none")
            return self._done(asked, incoming, arguments)

    def _admit(self, endpoint: Endpoint, incoming: Incoming) -> Admission:
        if endpoint.needs is Needs.NOTHING:
            return Admission(principal=ANONYMOUS, tenant=None)
        admission = self.city.access.admit(incoming.knock, administration=endpoint.audience == "admin")
        if endpoint.needs is Needs.TENANT and admission.tenant is None:
            raise NotFound("not_found", NOWHERE)
        return admission

    def _count(self, admission: Admission, incoming: Incoming, heads: list[tuple[str, str]]) -> None:
        limit = self.city.access.rate_limit(admission)
        principal = admission.principal
        who = principal.impersonator or principal.label if principal != ANONYMOUS else f"address:{incoming.address}"
        where = admission.tenant.id if admission.tenant else "platform"
        allowance = self.city.access.take(f"{where}:{who}", limit)
        heads += _limit_heads(limit, allowance)
        if not allowance.allowed:
            after = max(1, round(allowance.retry_after_s + 0.499))
            raise Throttled("rate_limited", f"that is too fast; try again in {after} s", retry_after_s=after)

    def _asked(self, endpoint: Endpoint, incoming: Incoming, admission: Admission) -> Asked:
        return Asked(
            city=self.city,
            endpoint=endpoint,
            admission=admission,
            request_id=incoming.request_id,
            address=incoming.address,
            host=incoming.host,
            vendor_header=incoming.header("x-vendor"),
            cursors=self.cursors,
        )

    def _authorise(self, asked: Asked, places: Mapping[str, object]) -> None:
        endpoint = asked.endpoint
        if not endpoint.action:
            if asked.principal == ANONYMOUS and endpoint.needs is not Needs.NOTHING:
                raise _nobody()
            return
        access, principal = self.city.access, asked.principal
        try:
            if endpoint.audience in _AUDIENCES:
                principal = access.enter(principal, _AUDIENCES[endpoint.audience])
                asked.admission = evolve(asked.admission, principal=principal)
            if endpoint.filters:
                asked.condition = access.plan(principal, endpoint.action, asked.resource)
            else:
                self._decide(asked, places)
            if asked.condition == NOTHING:
                access.decide(principal, endpoint.action, asked.resource)
        except Forbidden:
            if principal == ANONYMOUS:
                raise _nobody() from None
            raise

    def _note_look(self, asked: Asked, places: Mapping[str, object]) -> None:
        """Write down that an outsider looked, where nothing else will tell of the request."""
        endpoint = asked.endpoint
        if asked.admission.is_outsider and endpoint.needs is Needs.TENANT and (endpoint.reads or asked.is_rehearsal):
            self.city.audit.look(asked.scope, endpoint.resource, [str(place) for place in places.values()])

    def _decide(self, asked: Asked, places: Mapping[str, object]) -> None:
        endpoint = asked.endpoint
        try:
            self.city.access.decide(asked.principal, endpoint.action, asked.resource)
        except Forbidden:
            if endpoint.about is None:
                raise
            self.city.access.plan(asked.principal, endpoint.action, asked.resource)
            self._decide_about(asked, endpoint.about, places)

    def _decide_about(self, asked: Asked, about: Callable[..., Resource], places: Mapping[str, object]) -> None:
        """Let someone at what they may reach; of the rest they do not learn that it is there."""
        try:
            self.city.access.decide(asked.principal, asked.endpoint.action, about(asked, **places))
        except (Forbidden, NotFound):
            raise NotFound("not_found", NOWHERE) from None

    def _body(self, cls: type, incoming: Incoming) -> object:
        kind = (incoming.header("content-type") or "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise Invalid("unsupported_media_type", "send the body as application/json")
        if not incoming.body:
            raise Invalid.at("#", "not_json", "a body is needed here; send a JSON object, such as /schema shows")
        return dto.read_body(cls, incoming.body, dto.Depth(self.options.most_depth))

    def _done(self, asked: Asked, incoming: Incoming, arguments: Mapping[str, object]) -> Answer:
        endpoint, requests = asked.endpoint, self.city.requests
        if endpoint.streams:
            pieces = endpoint.run(asked, **arguments)
            heads = (("content-type", endpoint.streams[0]), ("cache-control", "private, no-store"), *asked.headers)
            return Answer(reply=Reply(status=endpoint.status, headers=heads), pieces=pieces)  # type: ignore[arg-type]

        def run() -> Reply:
            try:
                return _reply(asked, endpoint.run(asked, **arguments))
            except Invalid as error:
                if endpoint.body is None:
                    raise
                raise problems.in_body(error) from None

        if endpoint.is_safe:
            return Answer(reply=conditional.unless_known(run(), incoming.header("if-none-match")))
        expectation = incoming.expectation(endpoint, arguments)
        key = incoming.key(endpoint)
        asked.key = None if key is None else f"{_asking(asked.principal)} {key}"
        if asked.is_rehearsal:
            reply = run() if endpoint.steps is Steps.SEVERAL else requests.rehearse(asked.any_scope, run, expectation)
        elif key is not None:
            reply = self._once(
                asked,
                Ask(principal=_asking(asked.principal), key=key, fingerprint=incoming.fingerprint(endpoint)),
                run,
                expectation,
            )
        elif expectation is not None:
            reply = requests.together(asked.any_scope, run, expectation)
        else:
            reply = run()
        return Answer(reply=reply)

    def _once(self, asked: Asked, ask: Ask, run: "Run", expectation: Expectation | None) -> Reply:
        requests, scope = self.city.requests, asked.any_scope
        member = asked.endpoint.shown_once
        keep = whole if member is None else partial(_without, member)
        if asked.endpoint.steps is not Steps.ONE:
            reply, is_replay = requests.once_in_steps(scope, ask, run, keep=keep)
        else:
            reply, is_replay = requests.once(scope, ask, run, keep=keep, expectation=expectation)
        if not is_replay:
            return reply
        return Reply(status=reply.status, headers=(*reply.headers, ("idempotent-replayed", "true")), body=reply.body)


Run = Callable[[], Reply]


@frozen
class _Nothing:
    """No parameters at all."""


def _reply(asked: Asked, view: Any) -> Reply:
    endpoint = asked.endpoint
    if endpoint.answer is None:
        return Reply(status=endpoint.status, headers=tuple(asked.headers))
    body = render(dto.written(view))
    heads = [("content-type", "application/json"), ("cache-control", "private, no-cache")]
    tag = conditional.tag_of(view, body)
    heads += [("etag", tag), *asked.headers]
    return Reply(status=endpoint.status, headers=tuple(heads), body=body)


def _without(member: str, reply: Reply) -> Reply:
    """Leave out of an answer what is shown this once."""
    said = parse(reply.body)
    return evolve(reply, body=render({**said, member: None})) if isinstance(said, dict) else reply


def _limit_heads(limit: RateLimit, allowance: Allowance) -> list[tuple[str, str]]:
    reset = max(0, round(allowance.reset_after_s + 0.499))
    return [
        ("ratelimit-policy", f'"default";q={limit.requests};w={limit.seconds}'),
        ("ratelimit", f'"default";r={allowance.remaining};t={reset}'),
    ]


def _asking(principal: Principal) -> str:
    """Name who asks: support that acts as a user is answered nothing that the user was, nor the other way round."""
    return principal.label if principal.impersonator is None else f"{principal.impersonator} as {principal.label}"


def _nobody() -> Unauthenticated:
    return Unauthenticated("authentication_required", "say who you are: Authorization: Bearer <token or API key>")


def _without_dry_run(endpoint: Endpoint, asked: Asked, query: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    if not endpoint.moves_money:
        return list(query)
    said = [value for name, value in query if name == "dry_run"]
    if len(said) > 1 or any(value not in {"true", "false"} for value in said):
        mistake = FieldError("query/dry_run", "wrong_type", "this is true or false, given once")
        raise Invalid("malformed", "the query parameters are not understood", [mistake])
    asked.is_rehearsal = said == ["true"]
    if asked.is_rehearsal:
        asked.headers.append(("dry-run", "true"))
    return [(name, value) for name, value in query if name != "dry_run"]
