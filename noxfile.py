"""Every check of the project; ``nox -s tests`` is the one that counts, ``nox`` runs all but the benchmarks."""

import nox

nox.needs_version = ">=2025.2"
nox.options.sessions = ["lint", "types", "architecture", "tests", "docs"]
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

PROJECT = nox.project.load_toml("pyproject.toml")


def install(session: nox.Session, *groups: str, project: bool = True) -> None:
    """Install the project and the dependency groups a session needs, at the versions that were tested together."""
    wanted = ["-e", "."] if project else []
    session.install("-c", "constraints.txt", *wanted, *nox.project.dependency_groups(PROJECT, *groups))
    if {"tests", "types"} & {*groups}:  # used as a library it works with our Typer; its metadata wants an older one
        session.install("--no-deps", "-c", "constraints.txt", "openapi-python-client")


@nox.session
def lint(session: nox.Session) -> None:
    """Style and mistakes, by ruff."""
    install(session, "lint", project=False)
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Types, by mypy in strict mode."""
    install(session, "types")
    session.run("mypy")
    session.run("mypy", "conftest.py")  # by itself: there is another module of that name among the tests


@nox.session
def architecture(session: nox.Session) -> None:
    """Who may import whom, how large things are, and how heavy an import is."""
    install(session, "lint", "tests")
    session.run("lint-imports")
    session.run("pytest", "tests/architecture", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Every test and every example in the documentation, with the coverage of the core's branches."""
    install(session, "tests")
    if session.posargs:
        session.run("pytest", *session.posargs)
        return
    workers = ("-n", "auto", "--dist", "loadfile")  # the examples of a page build on each other
    session.run("pytest", *workers, "--cov", "--cov-report=term:skip-covered", "--cov-fail-under=95")


@nox.session
def docs(session: nox.Session) -> None:
    """The documentation, built without a warning, and its examples."""
    install(session, "docs", "tests")
    session.run("sphinx-build", "-W", "--keep-going", "-q", "-b", "html", "docs", "docs/_build/html")
    session.run("pytest", "docs", "README.md", *session.posargs)


@nox.session
def bench(session: nox.Session) -> None:
    """Benchmarks: each prints its ratio to a floor measured in the same run."""
    install(session, "tests")
    session.run("python", "-m", "benchmarks", *session.posargs)
