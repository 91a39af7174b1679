"""The worked examples in the docstrings of tables, comparisons and trials are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import studies.comparison
import studies.tables
import studies.trial

WINGS = (studies.comparison, studies.tables, studies.trial)
MODULES = [module.name for wing in WINGS for module in pkgutil.iter_modules(wing.__path__, f"{wing.__name__}.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_show(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
