"""What holds between the names of a search: values derived from others, conditions, and axes that exist only there.

derive: {n_embd: 64 * n_head}
where: [n_layer * n_head <= 64]
when: {dropout: n_layer > 2}
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from samplers.searches.grid.expressions import Expression
from samplers.searches.nested import Path, flattened, new_path, path_of, with_value
from samplers.searches.plan import Config
from storage.errors import UsageError, nearest

MAX_EXPRESSIONS = 200


@dataclass(frozen=True)
class Relations:
    """The expressions of a search over one configuration, checked."""

    config: Config
    derive: Mapping[str, Expression]
    when: Mapping[str, Expression]
    """Conditions of axes that exist only where they hold; elsewhere the config keeps its own value."""
    where: tuple[Expression, ...]
    order: tuple[str, ...]
    """Names of `derive` and `when`, each after the names that it needs."""
    known: Mapping[str, Any]
    """The config's values that expressions need, and null for conditional helpers."""
    paths: Mapping[str, Path | None]
    """The place in the config that each axis and derived name sets; None: a helper."""

    def evaluated(self, axes: Collection[str], value_of: Callable[[str], Any]) -> Evaluated:
        """The values of one setting: `value_of` gives that of each axis that exists.

        Expressions are evaluated in `order`, each after those that it needs. An axis whose `when` does not hold does
        not exist: expressions see the config's own value of its name.

        Raises:
            UsageError: An expression has no value.
        """
        existing = {name: value_of(name) for name in axes if name not in self.when}
        values = {**self.known, **existing}
        for name in self.order:
            if name in self.derive:
                values[name] = self.derive[name].evaluate(values)
            elif self.when[name].holds(values):
                existing[name] = values[name] = value_of(name)
        in_order = {name: existing[name] for name in axes if name in existing}
        filtered = next((condition.text for condition in self.where if not condition.holds(values)), None)
        return Evaluated(in_order, {name: values[name] for name in self.derive}, filtered)

    def config_with(self, values: Mapping[str, Any]) -> Config:
        """The config with the values of these axes and derived names at their paths; helpers have none."""
        config = dict(self.config)
        for name, value in values.items():
            path = self.paths[name]
            if path is not None:
                first, *rest = path
                config[first] = with_value(config.get(first, {}), tuple(rest), value) if rest else value
        return config


@dataclass(frozen=True)
class Evaluated:
    """The values of one setting."""

    axes: Mapping[str, Any]
    """Those that exist."""
    derived: Mapping[str, Any]
    filtered: str | None
    """The first condition of `where` that leaves the setting out."""


def parse_relations(
    block: Mapping[str, Any], config: Config, axes: Mapping[str, Sequence[Any]], where: str
) -> Relations:
    """The expressions of a block over its axes, each with its values or some of them.

    Raises:
        UsageError: An expression is wrong, or names nothing among the axes, derived names and config.
    """
    derive = _expressions(block.get("derive", {}), f"{where}.derive")
    when = _expressions(block.get("when", {}), f"{where}.when")
    for name in (*axes, *derive):
        if name == "seed":
            raise UsageError(f"{where}: seed: cannot be an axis or derived; use `repeats` and `seed`")
        if name in axes and name in derive:
            raise UsageError(f"{where}: {name}: is both an axis and derived; remove one of the two")
    for name in when:
        if name not in axes:
            raise UsageError(f"{where}.when: there is no axis {name!r}{nearest(name, axes)}")
    conditions = block.get("where", [])
    texts = conditions if isinstance(conditions, list) else [conditions]
    filters = tuple(Expression.parse(text, f"{where}.where") for text in texts)
    flat = flattened(config)
    used = _used((*derive.values(), *when.values(), *filters), {**flat, **axes, **derive})
    passed = _passed(block.get("pass", []), (*axes, *derive), f"{where}.pass")
    paths = {
        name: path_of(name, config) if name in used and name not in passed else new_path(name, config, where)
        for name in (*axes, *derive)
    }
    _check_apart(axes, paths, where)
    order = _ordered({**derive, **when}, where)
    return Relations(config, derive, when, filters, order, {name: flat.get(name) for name in {*used, *when}}, paths)


def _passed(given: object, names: Sequence[str], where: str) -> list[str]:
    if not isinstance(given, list):
        raise UsageError(f"{where}: {given!r} is not a list of names")
    for name in given:
        if name not in names:
            raise UsageError(f"{where}: {name!r} is neither an axis nor derived{nearest(str(name), names)}")
    return given


def _check_apart(axes: Mapping[str, Sequence[Any]], paths: Mapping[str, Path | None], where: str) -> None:
    """Check that a name below an axis, `opt.lr` below `opt`, finds a mapping in each of its values."""
    for name, values in axes.items():
        below = next((each for each, path in paths.items() if _is_below(path, paths[name])), None)
        if below is not None and not all(isinstance(each, Mapping) for each in values):
            raise UsageError(f"{where}: {below!r} lies below the axis {name!r}, whose values are not mappings")


def _is_below(path: Path | None, above: Path | None) -> bool:
    return path is not None and above is not None and path != above and path[: len(above)] == above


def expression_names(block: Mapping[str, Any]) -> set[str]:
    """The names that a block's expressions use; none of a block whose expressions are wrong."""
    used: set[str] = set()
    for key in ("derive", "when", "where"):
        given = block.get(key) or []
        texts = given.values() if isinstance(given, Mapping) else given if isinstance(given, list) else [given]
        for text in texts:
            with suppress(UsageError):
                used |= {*Expression.parse(text, key).names}
    return used


def _expressions(given: object, where: str) -> dict[str, Expression]:
    if not isinstance(given, Mapping):
        raise UsageError(f"{where}: {given!r} is not a mapping of names to expressions")
    return {str(name): Expression.parse(text, f"{where}.{name}") for name, text in given.items()}


def _used(expressions: Iterable[Expression], known: Mapping[str, Any]) -> set[str]:
    used = set()
    for expression in expressions:
        for name in expression.names:
            if name not in known:
                raise UsageError(
                    f"{expression.where}: {expression.text!r}: there is no {name!r} among the axes, derived names and "
                    f"config{nearest(name, known)}"
                )
            used.add(name)
    return used


def _ordered(expressions: Mapping[str, Expression], where: str) -> tuple[str, ...]:
    """Each name after the names that it needs, otherwise in the order of the definition."""
    done: dict[str, None] = {}

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            cycle = " → ".join((*above[above.index(name) :], name))
            raise UsageError(f"{where}: names need each other in a circle: {cycle}")
        if name not in done:
            for needed in expressions[name].names:
                if needed in expressions:
                    visit(needed, (*above, name))
            done[name] = None

    if len(expressions) > MAX_EXPRESSIONS:
        raise UsageError(f"{where}: {len(expressions)} derived names and conditions; {MAX_EXPRESSIONS} are allowed")
    for name in expressions:
        visit(name, ())
    return tuple(done)
