"""Which series are tied, and which follow from others."""

from __future__ import annotations

import pandas as pd
import pytest

from crossings.errors import CrossingsError
from transforms.series.identities import find_identities

USUAL = {
    "country": "AAA", "direction": "entry", "citizenship": "RUS", "scope": "national", "mode": "all",
    "measure": "crossings", "system": "border_control",
}  # fmt: skip


def table(**named):
    """Series by id; each differs from the usual key by the parts given."""
    return pd.DataFrame([{"series": name, **USUAL, **parts} for name, parts in named.items()])


def declared(part, whole="national", *, exhaustive=False, **more):
    return {"country": "AAA", "part_scope": part, "whole_scope": whole, "exhaustive": exhaustive, **more}


def derived(component):
    return tuple(m.series for m in component.members if m.derived)


def words(component):
    return sorted(str(identity) for identity in component.identities)


E_ID, X_ID, N_ID = (f"AAA/{d}/RUS/national/all/crossings/border_control" for d in ("entry", "exit", "net"))


def test_both_and_entry_make_an_exit_series():
    (found,) = find_identities(table(B={"direction": "both"}, E={}))
    assert derived(found) == (X_ID,)
    assert words(found) == [f"both: B = E + {X_ID}"]


def test_entry_and_exit_make_a_net_series_that_may_be_negative():
    (found,) = find_identities(table(E={}, X={"direction": "exit"}))
    assert derived(found) == (N_ID,)
    assert words(found) == [f"net: {N_ID} = E - X"]
    assert found.nonnegative == {"E": True, "X": True, N_ID: False}


def test_all_four_directions_are_tied_without_a_derived_series():
    (found,) = find_identities(table(B={"direction": "both"}, E={}, N={"direction": "net"}, X={"direction": "exit"}))
    assert derived(found) == ()
    assert words(found) == ["both: B = E + X", "net: N = E - X"]


def test_net_and_both_make_entries_and_exits():
    (found,) = find_identities(table(B={"direction": "both"}, N={"direction": "net"}))
    assert derived(found) == (E_ID, X_ID)


@pytest.mark.parametrize(
    "other",
    [
        {"country": "BBB"},
        {"scope": "district:north"},
        {"mode": "land"},
        {"citizenship": "BLR"},
        {"measure": "trips"},
        {"system": "tourism"},
        {"system": "mirror"},
    ],
)
def test_series_that_differ_in_anything_but_direction_are_not_tied(other):
    assert find_identities(table(E={}, X={"direction": "exit", **other})) == []


@pytest.mark.parametrize("part", ["system", "mode", "citizenship"])
def test_what_is_not_stated_is_never_taken_for_the_same(part):
    assert find_identities(table(E={part: "unknown"}, X={part: "unknown", "direction": "exit"})) == []


def test_stocks_are_no_flows():
    assert find_identities(table(E={}, S={"direction": "stock"})) == []


def test_distinct_persons_are_tied_to_crossings_over_identical_windows_only():
    (found,) = find_identities(table(E={}, P={"measure": "persons"}))
    (identity,) = found.identities
    assert str(identity) == "persons: P <= E"
    assert identity.identical_windows
    assert derived(found) == ()


def test_distinct_persons_do_not_add_up_over_directions():
    assert find_identities(table(E={"measure": "persons"}, X={"measure": "persons", "direction": "exit"})) == []


def test_part_and_whole_make_a_rest():
    series = table(W={"mode": "land"}, P={"mode": "land", "scope": "district:southeast"})
    (found,) = find_identities(series, pd.DataFrame([declared("district:southeast")]))
    (rest,) = [m for m in found.members if m.derived]
    assert rest.scope == "national minus district:southeast"
    assert rest.mode == "land"
    assert words(found) == [f"rest: {rest.series} = W - P"]
    assert found.identities[0].sense == "="
    assert rest.nonnegative


def test_a_part_without_a_declaration_is_not_tied():
    assert find_identities(table(W={}, P={"scope": "district:southeast"})) == []


def test_a_part_in_another_mode_is_tied_only_as_declared():
    series = table(W={"mode": "all"}, P={"mode": "road", "scope": "checkpoint:a"})
    assert find_identities(series, pd.DataFrame([declared("checkpoint:a")])) == []
    modes = declared("checkpoint:a", part_mode="road", whole_mode="all")
    (found,) = find_identities(series, pd.DataFrame([modes]))
    assert {m.series for m in found.members if not m.derived} == {"P", "W"}


def test_exhaustive_parts_add_up_and_a_missing_one_follows():
    series = table(W={}, P={"scope": "district:north"}, Q={"scope": "district:south"})
    parts = pd.DataFrame([declared(f"district:{d}", exhaustive=True) for d in ("north", "south", "west")])
    (found,) = find_identities(series, parts)
    (missing,) = derived(found)
    assert missing == "AAA/entry/RUS/district:west/all/crossings/border_control"
    assert found.identities[0].kind == "sum"
    assert found.identities[0].terms == (("W", 1), ("P", -1), ("Q", -1), (missing, -1))


def test_a_citizenship_is_a_subset_of_all_travellers_except_for_net():
    (found,) = find_identities(table(R={}, A={"citizenship": "all"}))
    assert words(found) == ["subset: R <= A"]
    net = {"direction": "net"}
    assert find_identities(table(R=net, A={"citizenship": "all", **net})) == []


def test_everything_that_hangs_together_is_one_component_and_the_rest_is_another():
    series = table(
        E={}, X={"direction": "exit"}, A={"citizenship": "all"}, P={"scope": "district:north"},
        K={"country": "BBB"}, L={"country": "BBB", "direction": "both"}, alone={"country": "CCC"},
    )  # fmt: skip
    first, second = find_identities(series, pd.DataFrame([declared("district:north")]))
    assert {"E", "X", "A", "P"} == {m.series for m in first.members if not m.derived}
    assert {"K", "L"} == {m.series for m in second.members if not m.derived}


def test_the_order_of_series_and_declarations_does_not_matter():
    series = table(E={}, B={"direction": "both"}, A={"citizenship": "all"}, P={"scope": "district:north"})
    parts = pd.DataFrame([declared("district:north"), declared("district:south", exhaustive=True)])
    assert find_identities(series, parts) == find_identities(series[::-1], parts[::-1])


def test_derived_series_are_named_by_the_caller():
    (found,) = find_identities(table(B={"direction": "both"}, E={}), name_series=lambda key: "~" + key["direction"])
    assert derived(found) == ("~exit",)


def test_two_series_with_one_key_are_refused():
    with pytest.raises(CrossingsError, match="series E and F have the same key"):
        find_identities(table(E={}, F={}))


def test_a_missing_column_is_named():
    with pytest.raises(CrossingsError, match="lacks mode"):
        find_identities(table(E={}).drop(columns="mode"))
