"""The tests of projects that use h11, once with h11 itself and once with http11 in its place, test by test.

    python -m tests.consumers               all projects that share an environment
    python -m tests.consumers uvicorn h11   some
    python -m tests.consumers httpx_ws vcrpy urllib3_future mitmproxy      the further ones
    python -m tests.consumers mitmproxy --repositories DIRECTORY           with the clone DIRECTORY/mitmproxy
    python -m tests.consumers --wheel dist/http11-0.1.0-cp311-cp311-linux_x86_64.whl      with that build of http11

Each project comes from the package index as a source distribution, at a pinned version, into a temporary directory;
mitmproxy, whose tests are not there, comes from its repository, and needs Python 3.12, which is found on PATH. A test
that passes with h11 has to pass with http11, under both policies, but for those in `tests.consumers.projects`, which
says why. After that, uvicorn serves curl and passes over a late empty line, and httpx talks to nginx, to servers that
send more than they were asked for, and through proxies that say a length where they grant a tunnel; with
urllib3_future, requests and niquests get answers in one process.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Literal, TypeAlias

import attrs

from tests.consumers.live import LIVE
from tests.consumers.projects import FURTHER, H11, PROJECTS, Environment, Loss, PolicyName, Project, Repository

ROOT: Final = Path(__file__).parent.parent.parent
PLUGIN: Final = Path(__file__).parent / "plugin"

Variant: TypeAlias = Literal["", "h11", "strict"]
"""h11 itself, or http11 in its place, under a policy."""

Passed: TypeAlias = frozenset[str]
"""The names of the tests that have passed, of those that have to do with HTTP/1.1."""

POLICIES: Final[tuple[PolicyName, ...]] = ("h11", "strict")

# They wait more than they work.
JOBS: Final = 4


@attrs.frozen
class Bench:
    """Environments in which the projects' tests can run, and where the projects are.

    Attributes:
        home: A directory for all of it.
        environments: What is installed, each in an environment of its own.
        repositories: Where clones are of the projects that are not on the package index; `None` to fetch them.

    """

    home: Path
    environments: tuple[Environment, ...]
    repositories: Path | None

    def python(self, environment: Environment) -> str:
        return str(self.home / f"venv-{self.environments.index(environment)}" / "bin" / "python")

    def set_up(self, projects: Sequence[Project], http11: Path) -> None:
        # Before anything that takes long.
        interpreters = [interpreter(environment.oldest) for environment in self.environments]
        for made_by, environment in zip(interpreters, self.environments, strict=True):
            python = self.python(environment)
            run([made_by, "-m", "venv", str(Path(python).parent.parent)])
            pip = [python, "-m", "pip", "--disable-pip-version-check"]
            run([*pip, "install", "-q", "--upgrade", "pip"])
            run([*pip, "install", "-q", *environment.requirements, str(http11)])
            # Without isolation: the build backends are there, and nothing is built but what pip reads the name from.
            download = ["download", "-q", "--no-deps", "--no-binary", ":all:", "--no-build-isolation"]
            published = [one for one in projects if one.environment is environment and one.repository is None]
            names = [project.name.replace("-", "==") for project in published]
            run([*pip, *download, "--dest", str(self.home), *names] if names else [*pip, "--version"])
            for project in published:
                with tarfile.open(self.home / f"{project.name}.tar.gz") as archive:
                    archive.extractall(self.home, filter="data")
        for project in projects:
            if project.repository is not None:
                self.check_out(project.name, project.repository)
        if H11 in projects:
            folder = self.home / H11.name
            shutil.move(folder / "h11" / "tests", folder / "tests_of_h11")
            # What is installed is meant, or what is in its place.
            shutil.rmtree(folder / "h11")
        for project in projects:
            self.edit(project)

    def check_out(self, name: str, repository: Repository) -> None:
        if self.repositories is None:
            clone = self.home / f"{name}.git"
            run(["git", "init", "-q", "--bare", str(clone)])
            run(["git", "-C", str(clone), "fetch", "-q", "--depth", "1", repository.url, repository.commit])
        else:
            clone = self.repositories / repository.url.rpartition("/")[2]
        archived = self.home / f"{name}.tar"
        run(["git", "-C", str(clone), "archive", "-o", str(archived), repository.commit, *repository.paths])
        with tarfile.open(archived) as archive:
            archive.extractall(self.home / name, filter="data")

    def edit(self, project: Project) -> None:
        files = [path for name in project.tests for path in (self.home / project.name / name).parent.glob("*.py")]
        for change in project.edits:
            found = [path for path in files if change.old in path.read_text("utf-8")]
            if not found:
                raise SystemExit(f"{project.name}: found nowhere: {change.old!r}")
            for path in set(found):
                path.write_text(path.read_text("utf-8").replace(change.old, change.new), "utf-8")

    def passed(self, project: Project, variant: Variant) -> Passed:
        """Run the tests of `project` with h11 itself or with http11 in its place, and return which pass."""
        found = self.outcomes(project, variant, project.tests)
        failed = [name for name, (outcome, _) in found.items() if outcome == "failed"]
        if failed:
            # Some depend on time, and on a machine that has other things to do they fail now and then; not twice.
            found |= self.outcomes(project, variant, failed)
        counts = {name for name, (_, reached) in found.items() if reached or project.all_tests}
        return frozenset(name for name in counts if found[name][0] == "passed")

    def outcomes(self, project: Project, variant: Variant, tests: Sequence[str]) -> dict[str, tuple[str, bool]]:
        """Return what became of each test, and whether it made a connection."""
        outcomes = self.home / f"{project.name}-{variant or 'itself'}.json"
        outcomes.unlink(missing_ok=True)
        environment = {
            **os.environ,
            "HTTP11_POLICY": variant,
            "HTTP11_OUTCOMES": str(outcomes),
            "PYTHONPATH": str(PLUGIN),
        }
        command = [
            self.python(project.environment),
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "http11_consumer",
        ]
        done = subprocess.run(
            [*command, *project.options, *tests],
            cwd=self.home / project.name,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        outcomes.with_suffix(".log").write_text(done.stdout + done.stderr, "utf-8")
        if not outcomes.exists():
            raise SystemExit(f"{project.name}: the tests did not run:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        found: dict[str, tuple[str, bool]] = json.loads(outcomes.read_text("utf-8"))
        return found


def interpreter(oldest: tuple[int, int]) -> str:
    """Return a Python that is not older: this one, or the first that is on PATH."""
    if sys.version_info >= oldest:
        return sys.executable
    for minor in range(oldest[1], oldest[1] + 4):
        found = shutil.which(f"python3.{minor}")
        # What stands for versions that are not installed fails.
        if found is not None and subprocess.run([found, "-V"], capture_output=True, check=False).returncode == 0:
            return found
    raise SystemExit(f"expected Python {oldest[0]}.{oldest[1]} or later on PATH, found none")


def run(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command[:5])} ... failed:\n{done.stdout}{done.stderr}")


def measured(bench: Bench, projects: Sequence[Project]) -> dict[str, dict[Variant, Passed]]:
    variants: tuple[Variant, ...] = ("", *POLICIES)

    def all_of(project: Project) -> dict[Variant, Passed]:
        return {variant: bench.passed(project, variant) for variant in variants}

    with ThreadPoolExecutor(JOBS) as pool:
        # Those first that have most to do.
        spread = {
            project.name: {variant: pool.submit(bench.passed, project, variant) for variant in variants}
            for project in projects
            if project.at_once
        }
        whole = {project.name: pool.submit(all_of, project) for project in projects if not project.at_once}
        return {
            **{name: {variant: job.result() for variant, job in jobs.items()} for name, jobs in spread.items()},
            **{name: job.result() for name, job in whole.items()},
        }


def loss_of(project: Project, policy: PolicyName, test: str) -> Loss | None:
    for loss in project.losses:
        if policy in loss.policies and (test in loss.tests or test.partition("[")[0] in loss.tests):
            return loss
    return None


def objections(project: Project, found: Mapping[Variant, Passed]) -> Iterator[str]:
    """Yield how the outcomes differ from what `project` says they are."""
    with_h11 = found[""]
    if len(with_h11) != project.passed:
        yield f"expected {project.passed} tests to pass with h11 itself, {len(with_h11)} did"
    for policy in POLICIES:
        lost = with_h11 - found[policy]
        for test in sorted(lost):
            if loss_of(project, policy, test) is None:
                yield f"{test} passes with h11, and not with http11 ({policy})"
        for loss in project.losses:
            for expected in loss.tests if policy in loss.policies else ():
                if not any(expected in (test, test.partition("[")[0]) for test in lost):
                    yield f"{expected} is not lost any more ({policy})"


def report(projects: Sequence[Project], found: Mapping[str, Mapping[Variant, Passed]]) -> Iterator[str]:
    yield "| project | pass with h11 | of these with http11, H11 | of these with http11, STRICT |"
    yield "|---|---|---|---|"
    for project in projects:
        of = found[project.name]
        with_h11 = of[""]
        kept = [len(with_h11 & of[policy]) for policy in POLICIES]
        yield f"| {project.name} | {len(with_h11)} | {kept[0]} | {kept[1]} |"
    yield ""
    for project in projects:
        for loss in project.losses:
            for test in loss.tests:
                yield f"lost ({', '.join(loss.policies)}): {project.name}: {test}\n    {loss.why}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.consumers", description="Run the tests of h11's users.")
    by_name = {project.name.partition("-")[0]: project for project in (*PROJECTS, *FURTHER)}
    parser.add_argument("projects", metavar="PROJECT", nargs="*", help=", ".join(by_name))
    parser.add_argument("--repositories", metavar="DIRECTORY", type=Path, help="where clones are, to fetch none")
    parser.add_argument("--keep", metavar="DIRECTORY", type=Path, help="where to work, and to leave all there")
    parser.add_argument("--wheel", metavar="FILE", type=Path, default=ROOT, help="the build of http11 to test")
    arguments = parser.parse_args()
    wheel: Path = arguments.wheel
    names: list[str] = arguments.projects or [project.name.partition("-")[0] for project in PROJECTS]
    if unknown := set(names) - by_name.keys():
        parser.error(f"expected some of {', '.join(by_name)}, got {', '.join(sorted(unknown))}")
    projects = [by_name[name] for name in names]
    kept: Path | None = arguments.keep
    with tempfile.TemporaryDirectory() as temporary:
        home = kept or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        environments = tuple(dict.fromkeys(project.environment for project in projects))
        repositories: Path | None = arguments.repositories
        bench = Bench(home.resolve(), environments, repositories.resolve() if repositories else None)
        bench.set_up(projects, wheel.resolve())
        found = measured(bench, projects)
        live = [
            f"{what}, through http11 ({policy}): {check(bench.python(environment), bench.home, policy)}"
            for environment in environments
            for policy in POLICIES
            for what, check in LIVE.get(environment, {}).items()
        ]
    sys.stdout.write("\n".join(report(projects, found)) + "\n")
    wrong = [f"{project.name}: {text}" for project in projects for text in objections(project, found[project.name])]
    sys.stdout.write("".join(f"{line}\n" for line in [*live, *wrong]))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
