"""`--launch ray` on a real Ray cluster of two nodes on this host, which lives as long as these tests."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
import pytest

from storage.home import CHECKOUT
from tests.support.growth_trace import CHOICES, write_definition
from tests.support.program import Begin, Program, until
from tests.support.slurm import attempts, status
from tests.support.slurm_cluster import kill_all, words

pytestmark = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed here: pip install -e '.[ray]'")

RECORDED = CHECKOUT / "tests" / "data" / "devices" / "two.json"
MARK = "STUDYHALL_TEST_RAY"
SECRET = "do-not-tell-4711"
NODES = """
import json, os, signal, sys
from ray.cluster_utils import Cluster

own = {"num_cpus": 2, "num_gpus": 1, "object_store_memory": 80 * 2**20, "include_dashboard": False}
def node(number):
    return {**own, "env_vars": {**json.loads(sys.argv[1]), "CUDA_VISIBLE_DEVICES": str(number)}}
cluster = Cluster(initialize_head=True, head_node_args=node(0))
second = cluster.add_node(**node(1))
cluster.wait_for_nodes()
print(cluster.address, flush=True)
for line in sys.stdin:
    cluster.remove_node(second, allow_graceful=False)
    print("lost", flush=True)
cluster.shutdown()
"""


@dataclass(frozen=True)
class Cluster:
    """Two nodes, the second of which can be lost."""

    address: str
    process: subprocess.Popen[str]
    mark: str

    def lose_node(self) -> None:
        """Kill the second node's processes."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write("lose\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "lost\n"

    def processes(self) -> list[psutil.Process]:
        """Everything that came from this cluster and is still there."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get(MARK) == self.mark and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
        return found


@pytest.fixture
def cluster(environment: dict[str, str], tmp_path: Path, url: str) -> Iterator[Cluster]:
    """A cluster of its own, in a process of its own, on hosts that have the GPUs which Ray believes in."""
    del environment["CUDA_VISIBLE_DEVICES"]
    environment |= {
        MARK: str(tmp_path),
        "STUDYHALL_DEVICES": str(RECORDED),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_memory_monitor_refresh_ms": "0",
        "RAY_health_check_failure_threshold": "2",
        "RAY_TMPDIR": f"/tmp/hall-ray-{os.getpid()}",
    }
    own = {name: value for name, value in environment.items() if name.startswith(("STUDYHALL_", "RAY_"))}
    del own["STUDYHALL_STORAGE"], own["STUDYHALL_HOME"]
    environment["STUDYHALL_STORAGE"] = url.replace("studyhall@", f"studyhall:{SECRET}@")
    Path(environment["RAY_TMPDIR"]).mkdir()
    log = (tmp_path / "ray.log").open("w")
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", NODES, json.dumps(own)],
        env={name: value for name, value in environment.items() if name != "STUDYHALL_STORAGE"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        start_new_session=True,
    )
    log.close()
    assert process.stdout is not None and process.stdin is not None
    found = Cluster(process.stdout.readline().strip(), process, str(tmp_path))
    try:
        assert found.address, (tmp_path / "ray.log").read_text()
        yield found
    finally:
        process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        until(lambda: not kill_all(found.processes()))
        process.wait(5)
        process.stdout.close()
        assert not found.processes(), "nothing of it outlives the test"
        shutil.rmtree(environment["RAY_TMPDIR"])


def test_a_study_ends_though_a_node_is_lost_with_its_worker(
    cluster: Cluster, program: Program, begin: Begin, environment: dict[str, str], tmp_path: Path, url: str
) -> None:
    file = write_definition(tmp_path, steps=2, seconds=2.0)
    asked = ["run", "grow", "--study", "trace", "--file", file, "--launch", "ray", "--address", cluster.address]
    ended = program(*asked, "--num-gpus", 3)
    assert ended.returncode == 2 and "--num-gpus: 3 GPUs for each worker; no node has more than 1" in ended.stderr
    assert program("show", "--study", "trace").returncode == 2
    ended = program(*asked, "--num-gpus", 1, "--dry-run")
    assert ended.returncode == 0 and "2 Ray tasks of 1 GPUs" in ended.stdout and SECRET not in ended.stdout

    launched = begin(*asked, "--num-gpus", 1, "--num-workers", 3, "--wait")
    until(lambda: len(status(program, "trace").get("workers", ())) == 2 and len(attempts(url, "trace")) > 2)
    before = status(program, "trace")
    assert {slot for worker in before["workers"] for slot in worker["slots"]} == {"gpu0", "gpu1"}
    assert not any(SECRET in word for process in psutil.process_iter() for word in words(process))
    cluster.lose_node()
    until(lambda: any(each.outcome == "lost" for each in attempts(url, "trace")))

    ended, _ = launched.communicate(timeout=90)
    assert launched.returncode == 0 and "trace: done: 2 steps are done" in ended and SECRET not in ended, ended
    certificate = json.loads(program("audit", "--study", "trace", "--json").stdout)
    assert certificate["holds"] and certificate["points"]["failed"] == 0 and certificate["decisions"]["made"] == 2
    steps = json.loads(program("show", "--study", "trace", "--json").stdout)["rounds"]
    assert [step["chosen"]["param"] for step in steps] == CHOICES[:2]
    ends = Counter(each.outcome for each in attempts(url, "trace"))
    assert set(ends) <= {"completed", "lost"} and ends["lost"] >= 1, ends
    (launch,) = status(program, "trace")["launches"]
    assert launch["launcher"] == "ray" and launch["workers"] == 3 and cluster.address in launch["logs"]
    logs = [file for file in Path(environment["RAY_TMPDIR"]).rglob("*") if file.is_file()]
    assert logs and not any(SECRET.encode() in file.read_bytes() for file in logs)


def test_no_cluster_is_one_line(program: Program, tmp_path: Path, environment: dict[str, str]) -> None:
    environment["RAY_TMPDIR"] = str(tmp_path)
    asked = ["run", "grow", "--study", "trace", "--file", write_definition(tmp_path), "--launch", "ray"]
    for address, said in (
        ("127.0.0.1:9", "--address: no Ray cluster at 127.0.0.1:9"),
        ("auto", "--address: no Ray cluster at auto"),
        ("http://here", "--address: 'http://here' is not auto or HOST:PORT"),
    ):
        ended = program(*asked, "--address", address)
        assert ended.returncode == 2 and len(ended.stderr.splitlines()) == 1 and said in ended.stderr, ended.stderr
    assert program("show", "--study", "trace").returncode == 2
