"""Changes of a study by SQL, and what the certificate prints for each.

`%(done)s`, `%(last)s` are COMPLETE trials, the first and the last; `%(retired)s` failed and was tried again as
`%(retry)s`; `%(waiting)s` and `%(running)s` are trials of a study that is not finished.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from samplers.searches.plan import Point
from storage.digests import point_digest
from storage.session import Session

Edit = Callable[[Session, dict[str, Any]], None]


@dataclass(frozen=True)
class SqlChange:
    name: str
    edit: str | Edit
    words: str
    """What a violation says, as a regular expression."""
    needs: str = "study"
    """The fact without which a study cannot be changed so."""

    def apply(self, session: Session, facts: dict[str, Any]) -> None:
        session.execute("SET studyhall.writer = 'on'")  # nothing that a storage refuses stops an editor of it
        if isinstance(self.edit, str):
            session.execute(self.edit, facts)
        else:
            self.edit(session, facts)


def together(*statements: str) -> str:
    return "; ".join(statements)


def deleted(where: str) -> str:
    """Trials of a study with all that hangs on them."""
    tables = "values params intermediate_values user_attributes system_attributes heartbeats"
    chosen = f"SELECT trial_id FROM trials WHERE study_id = %(study)s AND {where}"
    parts = [f"DELETE FROM trial_{table} WHERE trial_id IN ({chosen})" for table in tables.split()]
    return together(*parts, f"DELETE FROM trials WHERE trial_id IN ({chosen})")


def hashed(trial: str, config: Callable[[dict[str, Any]], dict[str, Any]], planned: bool = False) -> Edit:
    """Another configuration with the hash that it gives; `planned`: and with the digest that its point would have."""

    def edit(session: Session, facts: dict[str, Any]) -> None:
        ids = [facts[trial]]
        row = session.execute("SELECT config, seed, role FROM studyhall_points WHERE trial_id = %s", ids)[0]
        other = config(dict(row.config))
        hash_ = Point(other, row.seed).hash
        session.execute(
            "UPDATE studyhall_points SET config = %s, hash = %s WHERE trial_id = %s", [json.dumps(other), hash_, *ids]
        )
        if planned:
            shown = session.execute(
                "SELECT param_name, param_value, distribution_json FROM trial_params WHERE trial_id = %s", ids
            )
            digest = point_digest(hash_, row.role, [tuple(each) for each in shown])
            session.execute("UPDATE studyhall_points SET digest = %s WHERE trial_id = %s", [digest, *ids])

    return edit


def point(values: str, trial: str = "done") -> str:
    return f"UPDATE studyhall_points SET {values} WHERE trial_id = %({trial})s"


def trial(values: str, of: str = "done") -> str:
    return f"UPDATE trials SET {values} WHERE trial_id = %({of})s"


def given_results(of: str) -> list[str]:
    """Metrics and value of a COMPLETE trial, written to another one."""
    return [
        f"INSERT INTO studyhall_metrics SELECT %({of})s, name, value FROM studyhall_metrics WHERE trial_id = %(done)s",
        "INSERT INTO trial_values (trial_id, objective, value, value_type) "
        f"SELECT %({of})s, 0, value, value_type FROM trial_values WHERE trial_id = %(done)s",
    ]


def attempt(values: str, of: str = "done") -> str:
    return f"UPDATE studyhall_attempts SET {values} WHERE trial_id = %({of})s"


def study(values: str) -> str:
    return f"UPDATE studyhall_studies SET {values} WHERE study_id = %(study)s"


def decisions(values: str, number: str = "number = 0") -> str:
    return f"UPDATE studyhall_decisions SET {values} WHERE study_id = %(study)s AND {number}"


def replaced(column: str, was: str, becomes: str) -> str:
    return f"{column} = replace({column}::text, '{was}', '{becomes}')::json"


METRIC = "UPDATE studyhall_metrics SET value = {0} WHERE trial_id = %(done)s"
VALUE = "UPDATE trial_values SET value = {0} WHERE trial_id = %(done)s"
NEXT = "(SELECT max(number) + 1 FROM trials WHERE study_id = %(study)s)"
COPIED = (
    "WITH made AS (INSERT INTO trials (study_id, number, state, datetime_start, datetime_complete) "
    f"SELECT study_id, {NEXT}, '{{state}}', datetime_start, datetime_complete FROM trials WHERE trial_id = %({{of}})s "
    "RETURNING trial_id), point AS (INSERT INTO studyhall_points (trial_id, study_id, hash, config, seed, role, round, "
    "attempt, digest) SELECT made.trial_id, study_id, hash || 'x', config, seed, role, round, attempt, digest "
    "FROM studyhall_points, made WHERE studyhall_points.trial_id = %({of})s), "
    "value AS (INSERT INTO trial_values (trial_id, objective, value, value_type) SELECT made.trial_id, objective, "
    "value, value_type FROM trial_values, made WHERE trial_values.trial_id = %({of})s), "
    "param AS (INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) SELECT made.trial_id, "
    "param_name, param_value, distribution_json FROM trial_params, made WHERE trial_params.trial_id = %({of})s), "
    "metric AS (INSERT INTO studyhall_metrics SELECT made.trial_id, name, value FROM studyhall_metrics, made "
    "WHERE studyhall_metrics.trial_id = %({of})s) "
    "INSERT INTO studyhall_attempts (trial_id, attempt, worker_id, slot, ended_at, outcome, accepted, digest) "
    "SELECT made.trial_id, attempt, worker_id, slot, ended_at, outcome, accepted, digest "
    "FROM studyhall_attempts, made WHERE studyhall_attempts.trial_id = %({of})s"
)
ONCE = "DROP INDEX IF EXISTS studyhall_attempts_once; "
TURNED = (
    "UPDATE study_directions SET direction = (CASE direction::text WHEN 'MAXIMIZE' THEN 'MINIMIZE' ELSE 'MAXIMIZE' END)"
    "::studydirection WHERE study_id = %(study)s"
)
DIRECTIONS = "replace(replace(replace({0}::text, 'maximize', '@'), 'minimize', 'maximize'), '@', 'minimize')::json"
RESULT = r"trial \d+: the result of attempt 1 was changed"
DECISION = r"decision \d+: it was changed after it was made"
PLANNED = r"trial \d+: its point was changed after it was planned"
HASH = r"trial \d+: its configuration and seed do not give its hash"
ORIGIN = "origin: what the study started from was changed"
POINTS = r"points: \d+ were planned, \d+ exist"

ACCEPTED = [
    SqlChange("a score in both tables", f"{METRIC.format('value + 1')}; {VALUE.format('value + 1')}", RESULT),
    SqlChange("the last bit of every metric", METRIC.format("value * (1 + 2.3e-16::float8)"), RESULT),
    SqlChange("Optuna's value", VALUE.format("value + 1"), r"trial \d+: Optuna's value is .*, the accepted"),
    SqlChange(
        "a user attribute of Optuna's",
        "UPDATE trial_user_attributes SET value_json = '123456' WHERE trial_id = %(done)s",
        "Optuna's user attribute",
    ),
    SqlChange("Optuna's value, gone", "DELETE FROM trial_values WHERE trial_id = %(done)s", "Optuna's value is None"),
    SqlChange("the version of the code", attempt("code = 'other'"), RESULT, "done"),
    SqlChange("no version of the code", attempt("code = NULL"), RESULT, "done"),
    SqlChange(
        "what a version of the code is taken over",
        'UPDATE studyhall_codes SET details = replace(details::text, \'"files": {\', \'"files": {"x": "y", \')::json '
        "WHERE study_id = %(study)s",
        "code .*: the files it was computed from were changed",
    ),
    SqlChange("a version of the code, gone", "DELETE FROM studyhall_codes WHERE study_id = %(study)s", "it is missing"),
    SqlChange(
        "a result set aside", point("retired = true, set_aside = 'dropped'"), "it is dropped, but by the decisions"
    ),
    SqlChange("a result said to be redone", point("set_aside = 'redone'"), "it was redone, and counts"),
    SqlChange("a metric, gone", "DELETE FROM studyhall_metrics WHERE trial_id = %(done)s", RESULT),
    SqlChange("a metric more", "INSERT INTO studyhall_metrics VALUES (%(done)s, 'bonus', 1)", RESULT),
    SqlChange("a metric by another name", METRIC.format("value, name = name || '2'"), RESULT),
    SqlChange(
        "the results of two trials, swapped",
        "UPDATE studyhall_metrics AS one SET value = other.value FROM studyhall_metrics AS other WHERE "
        "(one.trial_id, other.trial_id) IN ((%(done)s, %(last)s), (%(last)s, %(done)s)) AND one.name = other.name",
        RESULT,
    ),
    SqlChange("COMPLETE to FAIL", trial("state = 'FAIL'"), r"FAIL, but attempt 1 was accepted as COMPLETE"),
    SqlChange(
        "COMPLETE to FAIL with a reason",
        together(
            trial("state = 'FAIL'"),
            point("reason = 'error: no', failure = 'failed'"),
            attempt("outcome = 'error'"),
            "DELETE FROM trial_values WHERE trial_id = %(done)s",
        ),
        RESULT,
    ),
    SqlChange("COMPLETE to PRUNED", trial("state = 'PRUNED'"), "PRUNED, but attempt 1 was accepted as COMPLETE"),
    SqlChange("COMPLETE to RUNNING", trial("state = 'RUNNING'"), "RUNNING, but attempt 1 was accepted as COMPLETE"),
    SqlChange("COMPLETE to WAITING", trial("state = 'WAITING'"), "WAITING, but attempt 1 was accepted as COMPLETE"),
    SqlChange("an accepted attempt's outcome", attempt("outcome = 'pruned'"), "was accepted as PRUNED"),
    SqlChange("a configuration", point("config = '{\"z\": 1}'"), HASH),
    SqlChange("a configuration and its hash", hashed("done", lambda config: {**config, "z": 1}), PLANNED),
    SqlChange("a whole point", hashed("done", lambda config: {**config, "z": 1}, planned=True), RESULT),
    SqlChange("a seed", point("seed = seed + 1"), HASH),
    SqlChange("a hash", point("hash = 'x' || hash"), HASH),
    SqlChange("a purpose", point('role = \'{"role": "other"}\''), PLANNED),
    SqlChange("a point's digest", point("digest = 'x' || digest"), PLANNED),
    SqlChange("a result's digest", attempt("digest = 'x' || digest"), RESULT),
    SqlChange("a result's digest, gone", attempt("digest = NULL"), "accepted without a digest"),
    SqlChange(
        "another result's digest",
        attempt("digest = (SELECT digest FROM studyhall_attempts WHERE trial_id = %(last)s AND accepted)"),
        RESULT,
    ),
    SqlChange(
        "an attempt, gone",
        "DELETE FROM studyhall_attempts WHERE trial_id = %(done)s",
        "COMPLETE without an accepted attempt",
    ),
    SqlChange("an attempt, no longer accepted", attempt("accepted = false"), "COMPLETE without an accepted attempt"),
    SqlChange(
        "an attempt more",
        "INSERT INTO studyhall_attempts (trial_id, attempt, slot, outcome) VALUES (%(done)s, 2, 'cpu0', 'lost')",
        r"it counts 1 attempts, and has 1, 2",
    ),
    SqlChange(
        "a result accepted twice",
        f"{ONCE}INSERT INTO studyhall_attempts (trial_id, attempt, slot, outcome, accepted) "
        "VALUES (%(done)s, 2, 'cpu0', 'completed', true)",
        r"trial \d+: 2 results accepted",
    ),
    SqlChange("a count of attempts", point("attempt = 7"), "it counts 7 attempts, and has 1"),
    SqlChange(
        "the versions that a worker ran with",
        'UPDATE studyhall_workers SET versions = \'{"studyhall": "9"}\' WHERE study_id = %(study)s',
        RESULT,
    ),
    SqlChange("the workers, gone", "DELETE FROM studyhall_workers WHERE study_id = %(study)s", RESULT),
    SqlChange(
        "a parameter that Optuna shows", "UPDATE trial_params SET param_value = 3 WHERE trial_id = %(done)s", PLANNED
    ),
    SqlChange("a parameter, gone", "DELETE FROM trial_params WHERE trial_id = %(done)s", PLANNED),
    SqlChange(
        "a parameter more",
        "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) "
        "VALUES (%(done)s, 'z', 1, '{}')",
        PLANNED,
    ),
    SqlChange(
        "a distribution",
        "UPDATE trial_params SET distribution_json = distribution_json || ' ' WHERE trial_id = %(done)s",
        PLANNED,
    ),
    SqlChange("a result, set aside", point("retired = true"), "it was set aside, and is COMPLETE"),
    SqlChange(
        "two trials' numbers, swapped",
        "UPDATE trials AS one SET number = other.number FROM trials AS other WHERE "
        "(one.trial_id, other.trial_id) IN ((%(done)s, %(last)s), (%(last)s, %(done)s))",
        RESULT,
    ),
]
"""Changes to what was accepted, of a study that is finished or not."""

FAILED = [
    SqlChange("FAIL to COMPLETE", trial("state = 'COMPLETE'", "retired"), "COMPLETE, but .* was accepted as FAIL"),
    SqlChange(
        "FAIL to COMPLETE with a value",
        together(
            trial("state = 'COMPLETE'", "retired"),
            attempt("outcome = 'completed'", "retired"),
            point("retired = true", "retry"),
            point("reason = NULL, failure = NULL, retired = false", "retired"),
            *given_results("retired"),
        ),
        RESULT,
    ),
    SqlChange("FAIL to PRUNED", trial("state = 'PRUNED'", "retired"), "PRUNED, but attempt 1 was accepted as FAIL"),
    SqlChange("FAIL to WAITING", trial("state = 'WAITING'", "retired"), "WAITING, but attempt 1 was accepted as FAIL"),
    SqlChange("why a trial failed", point("reason = 'timed out'", "retired"), RESULT),
    SqlChange("how a trial failed", attempt("outcome = 'out_of_memory'", "retired"), RESULT),
    SqlChange("a kind of failure", point("failure = 'withdrawn'", "retired"), "withdrawn, but attempt 1 was accepted"),
    SqlChange("a kind of failure, gone", point("failure = NULL", "retired"), "kind of failure is missing"),
    SqlChange(
        "a value of a failed trial",
        "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (%(retired)s, 0, 9, 'FINITE')",
        "FAIL, and Optuna's value is 9.0",
    ),
    SqlChange("a retry that stands for nothing", point("retry_of = %(done)s", "retry"), "stands in for a trial"),
    SqlChange("a retry, no longer one", point("retry_of = NULL", "retry"), ""),
]

POINTS_AND_ORIGIN = [
    SqlChange("the last trial, gone", deleted(f"number = {NEXT} - 1"), POINTS),
    SqlChange("the last trials, gone", deleted("number >= 2"), POINTS),
    SqlChange("a trial in the middle, gone", deleted("number = 1"), "trial number 1 is missing"),
    SqlChange("all trials, gone", deleted("true"), POINTS),
    SqlChange("a point, gone", "DELETE FROM studyhall_points WHERE trial_id = %(done)s", POINTS),
    SqlChange("the count of points", study("planned = planned + 1"), POINTS),
    SqlChange("the sum of points", study("plan = plan + 1"), "points: the stored ones are not the planned ones"),
    SqlChange(
        "a trial, invented",
        f"INSERT INTO trials (study_id, number, state) SELECT %(study)s, {NEXT}, 'COMPLETE'",
        "COMPLETE, no search planned it, and it is not as Optuna makes",
    ),
    SqlChange(
        "a waiting trial, invented",
        f"INSERT INTO trials (study_id, number, state) SELECT %(study)s, {NEXT}, 'WAITING'",
        "WAITING, no search planned it, and it is not as Optuna makes",
    ),
    SqlChange("a result, invented", COPIED.format(state="COMPLETE", of="done"), POINTS),
    SqlChange("a waiting point, invented", COPIED.format(state="WAITING", of="done"), POINTS),
    SqlChange("the direction in Optuna's table", TURNED, "study: Optuna's direction is"),
    SqlChange("the direction, gone", "DELETE FROM study_directions WHERE study_id = %(study)s", "direction is missing"),
    SqlChange(
        "the metric's name",
        "UPDATE study_system_attributes SET value_json = '[\"other\"]' WHERE study_id = %(study)s "
        "AND key = 'study:metric_names'",
        "study: Optuna's metric names are",
    ),
    SqlChange(
        "the direction in every table",
        f"{TURNED}; "
        + study(f"origin = {DIRECTIONS.format('origin')}, definition = {DIRECTIONS.format('definition')}"),
        ORIGIN,
    ),
    SqlChange(
        "the definition that it started from", study(replaced("origin", '"config": {', '"config": {"z": 1, ')), "origin"
    ),
    SqlChange(
        "the definition in force", study(replaced("definition", "own.py", "other.py")), "definition: the one in force"
    ),
    SqlChange("the objective's code", study("code = '{}'"), ORIGIN),
    SqlChange("the data's fingerprint", study('fingerprint = \'{"d": "1"}\''), ORIGIN),
    SqlChange("the names of metrics", study("metrics = ARRAY['x']"), ORIGIN),
    SqlChange("the study's key", study("key = 'x' || key"), ORIGIN),
    SqlChange("the origin's digest", study("digest = 'x' || digest"), ORIGIN),
    SqlChange("the head of the chain", study("head = 'x'"), "decisions: the last one made is missing"),
]
"""Of a study that is finished or not."""

DECIDED = [
    SqlChange(
        "the last decision, gone",
        "DELETE FROM studyhall_decisions WHERE study_id = %(study)s AND number = "
        "(SELECT max(number) FROM studyhall_decisions WHERE study_id = %(study)s)",
        "decisions: the last one made is missing",
    ),
    SqlChange(
        "all decisions, gone",
        "DELETE FROM studyhall_decisions WHERE study_id = %(study)s",
        r"decisions: the last one made is missing \(all of them\)",
    ),
    SqlChange(
        "all decisions and the head, gone",
        f"DELETE FROM studyhall_decisions WHERE study_id = %(study)s; {study('head = NULL')}",
        "outcome: .*",
    ),
    SqlChange("a decision's record", decisions('record = record::jsonb || \'{"event": "none"}\''), DECISION),
    SqlChange("a decision's state", decisions("state = state::jsonb || '{\"z\": 1}'"), DECISION),
    SqlChange("a decision's kind", decisions("kind = 'stalled'"), DECISION),
    SqlChange("what a decision was made from", decisions("trials = ARRAY[%(last)s, %(retired)s]"), DECISION),
    SqlChange("the code that decided", decisions("code = '9'"), DECISION),
    SqlChange("the definition that a decision names", decisions("definition = 'x'"), DECISION),
    SqlChange("a decision's origin", decisions("origin = 'x'"), "origin: decision 0 was made from another one"),
    SqlChange("a decision's digest", decisions("digest = 'x'"), DECISION),
    SqlChange("a decision's number", decisions("number = 99"), "decision 0 is missing|decision 99"),
    SqlChange("a point's round", point("round = round + 1"), DECISION),
]

ENDED = [
    SqlChange("an outcome's words", study("outcome = 'all is well'"), "outcome: 'all is well'"),
    SqlChange("an outcome's kind", study("outcome_kind = 'failed', failed = true"), "outcome: "),
    SqlChange("whether it failed", study("failed = NOT failed"), "outcome: .* is of kind"),
]

OPEN = [
    SqlChange("WAITING to COMPLETE", trial("state = 'COMPLETE'", "waiting"), "without an accepted attempt", "waiting"),
    SqlChange(
        "WAITING to COMPLETE with a result",
        together(
            trial("state = 'COMPLETE', datetime_start = now(), datetime_complete = now()", "waiting"),
            point("attempt = 1", "waiting"),
            "INSERT INTO studyhall_attempts (trial_id, attempt, slot, outcome, accepted, ended_at) "
            "VALUES (%(waiting)s, 1, 'cpu0', 'completed', true, now())",
            *given_results("waiting"),
        ),
        "accepted without a digest",
        "waiting",
    ),
    SqlChange("WAITING to FAIL", trial("state = 'FAIL'", "waiting"), "FAIL without an attempt or a reason", "waiting"),
    SqlChange("WAITING to RUNNING", trial("state = 'RUNNING'", "waiting"), "RUNNING without an attempt", "waiting"),
    SqlChange("a waiting point's seed", point("seed = seed + 1", "waiting"), HASH, "waiting"),
    SqlChange(
        "a waiting point, whole",
        hashed("waiting", lambda config: {**config, "z": 1}, planned=True),
        "points: the stored ones are not the planned ones",
        "waiting",
    ),
    SqlChange("a waiting point, gone", deleted("trial_id = %(waiting)s"), POINTS, "waiting"),
    SqlChange("a waiting point, set aside", point("retired = true", "waiting"), "set aside, and is WAITING", "waiting"),
    SqlChange(
        "a waiting point's parameter",
        "UPDATE trial_params SET param_value = param_value + 1 WHERE trial_id = %(waiting)s",
        PLANNED,
        "waiting",
    ),
    SqlChange("RUNNING to WAITING", trial("state = 'WAITING'", "running"), "its attempt 2 has not ended"),
    SqlChange("RUNNING to COMPLETE", trial("state = 'COMPLETE'", "running"), "without an accepted attempt"),
    SqlChange(
        "RUNNING to FAIL with a reason",
        together(trial("state = 'FAIL'", "running"), point("reason = 'error: no', failure = 'failed'", "running")),
        "FAIL without an accepted attempt",
    ),
    SqlChange(
        "a metric of a running trial",
        "INSERT INTO studyhall_metrics VALUES (%(running)s, 'score', 1)",
        "it has metrics, and no attempt was accepted: score",
    ),
    SqlChange(
        "the attempt that runs, gone",
        "DELETE FROM studyhall_attempts WHERE trial_id = %(running)s AND attempt = 2",
        "RUNNING without an attempt that runs",
    ),
    SqlChange(
        "an attempt that was given back, gone",
        "DELETE FROM studyhall_attempts WHERE trial_id = %(running)s AND attempt = 1",
        "it counts 2 attempts, and has 2",
    ),
    SqlChange("an outcome, invented", study("outcome = 'done', outcome_kind = 'answered'"), "outcome: 'done'"),
]
