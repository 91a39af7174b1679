"""The worked examples in the docstrings of the searches are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import samplers.searches

MODULES = [module.name for module in pkgutil.walk_packages(samplers.searches.__path__, "samplers.searches.")]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_give_what_they_show(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0
