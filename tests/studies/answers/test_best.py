"""The best of a study in a few words: what is best of several scores, and of a depth."""

from __future__ import annotations

from typing import Any

from studies.answers.best import best_depth, best_front


def size(target: int, layers: int, params: int, reached: bool = True) -> dict[str, Any]:
    return {"target": target, "layers": layers, "params": params, "difference": params - target, "reached": reached}


def test_a_depth_says_the_closest_answer_and_not_the_smallest_probe() -> None:
    rows = [size(20_000, 1, 13_922), size(20_000, 2, 22_370)]
    found = best_depth({"results": rows}, "params")
    assert found.to_json() == {"metric": "params", "mean": 22_370.0, "text": "2 layers, +11.85 %"}
    assert best_depth({"results": [size(100, 1, 100)]}, "params").text == "1 layer, exact"
    assert best_depth({"results": [*rows, size(90, 1, 100), size(10, 1, 99, reached=False)]}, "params").text == (
        "2 targets answered"
    )
    assert best_depth({"results": [size(10, 1, 99, reached=False)]}, "params").text == ""
    nothing = best_depth({"results": [size(10, 1, 0)]}, "params")
    assert (nothing.text, nothing.mean) == ("1 layer, -100.00 %", 0.0)


def test_a_front_says_how_many_settings_it_has() -> None:
    rows = [{"number": number, "mean": mean} for number, mean in [(0, 3.0), (1, 1.0), (2, 2.0)]]
    found = best_front({"results": rows, "front": [1, 2]}, "loss")
    assert (found.text, found.mean) == ("2 on the front", 1.0)
    assert best_front({"results": rows, "front": []}, "loss").to_json() == {"metric": "loss", "mean": None, "text": ""}
