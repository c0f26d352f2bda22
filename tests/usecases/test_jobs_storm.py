"""Whatever happens to workers, sweepers, schedulers and clocks: every job comes to its end, and none is lost."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from attrs import define, field, frozen
from hypothesis import given
from hypothesis import strategies as st

from cityos_core.jobs.model import UNFINISHED, Job, JobStatus
from cityos_core.jobs.policy import RESENT, Operation
from cityos_core.jobs.ports import Wake
from cityos_core.jobs.service import JobUseCases
from cityos_core.jobs.work import Progress, Work
from cityos_core.kernel import faults
from cityos_core.kernel.errors import Refused, Unavailable
from cityos_core.kernel.faults import Crash
from cityos_core.kernel.ids import JobId
from cityos_core.kernel.scope import PlatformScope, Scope, TenantScope, scope_of
from usecases.workshop import HOUR, LEASE, MINUTE, SECOND, Workshop

PLATFORM = PlatformScope()
ATTEMPTS = 3


@frozen
class Advance:
    """Time passes."""

    seconds: int


@frozen
class Ask:
    """Somebody asks for a job, about something or about nothing; its fate is how each attempt at it ends."""

    line: str | None
    fate: tuple[str, ...]


@frozen
class Sweep:
    """A sweeper tells of what is due, and may die."""

    dies_at: str | None


@frozen
class Lose:
    """The queue is emptied."""


@frozen
class Run:
    """A worker does one of the jobs it heard of, while other things happen, and may die."""

    which: int
    dies_at: str | None
    shows_progress: bool
    meanwhile: Sequence["Step"]


Step = Advance | Ask | Sweep | Lose | Run

fates = st.one_of(
    st.sampled_from([("away",) * 5, ("die",) * 5]),
    st.lists(st.sampled_from(["well", "away", "die", "never"]), max_size=4).map(tuple),
)
asks = st.builds(Ask, st.sampled_from(["A-1", "A-1", "A-2", None]), fates)
others: Mapping[str, st.SearchStrategy[Step]] = {
    "advance": st.builds(Advance, st.sampled_from([1, 8, 31, 301])),
    "ask": asks,
    "sweep": st.builds(Sweep, st.sampled_from([None, None, "jobs.wake.before_commit", "jobs.wake.after_commit"])),
    "lose": st.just(Lose()),
}
deaths = st.sampled_from(
    [None] * 6
    + [f"jobs.{stage}.{side}_commit" for stage in ("claim", "progress", "record") for side in ("before", "after")]
    + ["jobs.work.before", "jobs.work.after"]
)


def happening(depth: int) -> st.SearchStrategy[Step]:
    """Draw something that happens; while a worker is at work other things do, and workers work, down to a depth."""
    meanwhile = st.lists(happening(depth - 1), max_size=4) if depth else st.just([])
    run = st.builds(Run, st.sampled_from([0, 0, 1, 2]), deaths, st.booleans(), meanwhile)
    kinds = st.sampled_from(["run", "run", "run", "advance", "advance", "ask", "sweep", "lose"])
    return kinds.flatmap(lambda kind: others.get(kind, run))


@define
class Process:
    """Something that runs and may die: where it does, and what it believes to have."""

    dies_at: str | None = None
    run: Run | None = None
    job_id: JobId | None = None
    leased_until: datetime | None = None


@define
class Storm:
    """A workshop in which everything goes wrong."""

    shop: Workshop
    scope: TenantScope
    jobs: JobUseCases
    heard: list[Wake]
    running: list[Process] = field(factory=list)
    asked: list[Job] = field(factory=list)
    fates: dict[JobId, tuple[str, ...]] = field(factory=dict)
    effects: list[JobId] = field(factory=list)
    wrong: list[str] = field(factory=list)

    @classmethod
    def brewing(cls) -> "Storm":
        """Build one."""
        heard: list[Wake] = []

        class Bell:
            def ring(self, wakes: Sequence[Wake], queues: Mapping[str, str]) -> None:
                del queues
                heard.extend(wakes)

        shop = Workshop.open(bell=Bell())
        works: list[Work] = []
        storm = cls(shop, shop.tenant(), JobUseCases.of(shop.ports, works), heard)
        storm.jobs = JobUseCases.of(shop.ports, [Work(Operation(name="make", queue="first"), storm.work)])
        return storm

    def live(self, step: Step) -> None:
        """Let something happen."""
        match step:
            case Advance(seconds):
                self.shop.clock.advance(seconds * SECOND)
            case Ask(line, fate):
                kind = None if line is None else "order"
                self.asked.append(self.jobs.enqueue(self.scope, "make", entity=kind, entity_id=line))
                self.fates[self.asked[-1].id] = fate
            case Sweep(dies_at):
                with self.process(Process(dies_at)):
                    self.jobs.sweep()
            case Lose():
                self.heard.clear()
            case Run():
                if not self.heard:
                    self.jobs.sweep()
                if self.heard:
                    wake = self.told(step.which)
                    with self.process(Process(step.dies_at, step)):
                        self.jobs.run(scope_of(wake.tenant_id), wake.job_id)

    def told(self, which: int) -> Wake:
        """Choose one of the jobs that workers heard of: the one that a worker is at already, or one of the latest."""
        held = {process.job_id for process in self.running}
        again = [wake for wake in self.heard if wake.job_id in held]
        return again[-1] if again and which == 0 else self.heard[-1 - which % len(self.heard)]

    @contextmanager
    def process(self, process: Process) -> Iterator[None]:
        """Let something run until it ends or dies."""
        self.running.append(process)
        try:
            with suppress(Crash):
                yield
        finally:
            self.running.pop()

    def strike(self, name: str) -> None:
        """Let whatever runs now die where it does."""
        if self.running and self.running[-1].dies_at == name:
            raise Crash

    def work(self, _scope: Scope, job: Job, progress: Progress) -> None:
        """Do a job, as its worker does, and note what must not be: jobs keep whatever is raised here to themselves."""
        own, now = self.running[-1], self.shop.clock.now()
        leases = [one.leased_until for one in self.running[:-1] if one.job_id == job.id]
        if any(until is not None and until > now for until in leases):
            self.wrong.append("two workers have one job")
        earlier = [one for one in self.asked if one.entity_id == job.entity_id and one.id < job.id]
        if job.entity is not None and any(self.shop.now(one).status in UNFINISHED for one in earlier):
            self.wrong.append("a job overtakes another of its line")
        own.job_id, own.leased_until = job.id, job.leased_until
        for step in own.run.meanwhile if own.run else ():
            self.live(step)
        if own.run and own.run.shows_progress:
            progress(50)
            own.leased_until = self.shop.now(job).leased_until
        self.effects.append(job.id)
        match self.fates[job.id][job.attempts - 1 : job.attempts]:
            case ("away",):
                raise Unavailable("away", "later")
            case ("never",):
                raise Refused("no", "never")
            case ("die",):
                raise Crash

    def calm(self) -> None:
        """Let the weather clear, and whatever is left be done."""
        for _ in range(4 * len(self.asked) + 4):
            self.shop.clock.advance(LEASE + RESENT)
            self.heard.clear()
            self.live(Sweep(None))
            for wake in list(self.heard):
                with self.process(Process()):
                    self.jobs.run(scope_of(wake.tenant_id), wake.job_id)


@given(st.lists(asks, min_size=1, max_size=3), st.lists(happening(2), min_size=3, max_size=12))
def test_every_job_comes_to_its_end(asked: list[Ask], history: list[Step]) -> None:
    """Every job is done at least once, or has failed and says why; no two workers have one at the same time.

    Workers die at every point, hang beyond their leases and go on, fail and succeed; what they are told of is lost,
    doubled and late; sweepers die.
    """
    storm = Storm.brewing()
    with faults.hooked(storm.strike):
        for step in [*asked, *history]:
            storm.live(step)
            assert storm.running == []
        storm.calm()
    assert storm.wrong == []
    for job in storm.asked:
        after = storm.shop.now(job)
        assert after.status not in UNFINISHED
        assert after.status is JobStatus.FAILED or job.id in storm.effects
        assert (after.error is None) == (after.status is JobStatus.COMPLETED)
        assert 1 <= after.attempts <= ATTEMPTS
        assert storm.effects.count(job.id) <= after.attempts
    assert storm.shop.jobs.stats(PLATFORM).total == len(storm.asked)


looks = st.lists(
    st.tuples(
        st.sampled_from([timedelta(), SECOND, MINUTE, 7 * MINUTE, HOUR, 25 * HOUR, timedelta(days=3)]),
        st.integers(0, 2),
        st.none() | st.sampled_from(["jobs.tick.before_commit", "jobs.tick.after_commit"]),
        st.sampled_from([1, 2, 100]),
        st.booleans(),
    ),
    max_size=25,
)


@given(looks)
def test_any_number_of_schedulers_make_one_job_for_a_time(
    history: list[tuple[timedelta, int, str | None, int, bool]],
) -> None:
    """Schedulers that look whenever they like, and die, make one job of each time that has come.

    None is left out, unless the one before is still to be done; none is made before its time of day.
    """
    shop = Workshop.open()
    scope = shop.tenant(time_zone="Europe/Berlin")
    schedulers = [shop.another() for _ in range(3)]
    rhythms = {operation.name: operation.rhythm for operation in shop.jobs.operations() if operation.rhythm is not None}
    due: dict[str, datetime] = {}
    pending: set[str] = set()
    expected: dict[str, list[str]] = {name: [] for name in rhythms}

    def look(number: int, dies_at: str | None, limit: int) -> None:
        def strike(name: str) -> None:
            if name == dies_at:
                raise Crash

        with faults.hooked(strike), suppress(Crash):
            schedulers[number].tick(limit=limit)

    for wait, number, dies_at, limit, is_worked in history:
        now = shop.clock.advance(wait)
        look(number, dies_at, limit)
        look((number + 1) % 3, None, 100)  # what the one that died left is done before time goes on
        for name, rhythm in rhythms.items():
            following = rhythm.after(now, "UTC" if name == "upkeep" else "Europe/Berlin")
            slot = due.setdefault(name, following if rhythm.at else now)
            if slot <= now:
                due[name] = following
                expected[name] += [] if name in pending else [f"{name}@{slot.isoformat()}"]
                pending.add(name)
        if is_worked:
            shop.jobs.drain()
            pending.clear()
    for name in rhythms:
        where = PLATFORM if name == "upkeep" else scope
        assert [job.key for job in shop.every(where, name)] == expected[name]
