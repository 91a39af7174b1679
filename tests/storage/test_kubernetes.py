"""docs/studyhall-job.yaml against what a Job must have, and what this program takes. No cluster is at hand here."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from cli import INTERRUPTED, cli
from storage.errors import StorageError, UsageError
from storage.home import CHECKOUT

DOCS = CHECKOUT / "docs"
TEXT = (DOCS / "studyhall-job.yaml").read_text()


@pytest.fixture
def job() -> Any:
    return yaml.safe_load(TEXT)


def test_it_is_a_job_of_workers_that_a_lost_node_does_not_fail(job: Any) -> None:
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "Job") and job["metadata"]["name"]
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    assert spec["parallelism"] > 1 and "completions" not in spec, "a queue of work: done when one worker says so"
    assert pod["restartPolicy"] == "Never", "what a failure policy demands"
    actions = [
        (rule["action"], *rule.get("onExitCodes", {}).get("values", ["disrupted"]))
        for rule in spec["podFailurePolicy"]["rules"]
    ]
    assert actions == [("Ignore", "disrupted"), ("Ignore", INTERRUPTED), ("FailJob", UsageError.exit_code)]
    assert UsageError.exit_code == StorageError.exit_code
    for rule in spec["podFailurePolicy"]["rules"][1:]:
        assert rule["onExitCodes"]["containerName"] == pod["containers"][0]["name"]


def test_the_url_comes_from_a_secret_and_stands_nowhere(job: Any) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    env = {each["name"]: each for each in container["env"]}
    assert env["STUDYHALL_STORAGE"]["valueFrom"]["secretKeyRef"] == {"name": "studyhall-storage", "key": "url"}
    assert "postgresql" not in TEXT and "--storage" not in TEXT
    assert "secret generic studyhall-storage --from-file=url=" in (DOCS / "kubernetes.md").read_text()


def test_its_command_is_one_that_this_program_takes(job: Any) -> None:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    verb, *arguments = container["args"]
    context = cli.commands[verb].make_context(verb, list(map(str, arguments)))
    assert context.params["words"] == ("grow",) and context.params["name"] == "lobo"


def test_what_is_mounted_is_there(job: Any) -> None:
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    mounted = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert set(mounted) == {each["name"] for each in pod["volumes"]}
    home = next(each["value"] for each in container["env"] if each["name"] == "STUDYHALL_HOME")
    assert mounted["home"] == home
