"""Pieces of time, what covers them, and which identities tie them; grids on which sums are exact."""

from __future__ import annotations

import numpy as np
from interval_systems import DAY, system
from tied_systems import NET, PERSONS, System, block_of, row

from transforms.estimator.grids import grid_of, on_grid, spanning
from transforms.estimator.pieces import Grid, coverage, least_flow, shared_windows, ties


def test_a_window_covers_the_pieces_it_holds_and_the_first_of_a_segment_it_cuts():
    grid = Grid(np.array([0, 4, 8, 12]), np.array([False, True, False]))
    assert grid.n_pieces == 4
    assert grid.pieces(0, 12) == [0, 1, 2, 3]
    assert grid.pieces(0, 6) == [0, 1]
    assert grid.pieces(4, 8) == [1, 2]
    assert grid.segments(5, 12) == (1, 3, False, True)


def test_identities_hold_piece_by_piece_or_on_shared_windows_only():
    block = block_of(System({"N": [], "E": [row("e", 0, 1, 9)], "X": [row("x", 1, 2, 4)]}, (NET,)))
    tied = ties(block, Grid.whole(block.nodes))
    assert tied.rows.shape == (3, 9)
    assert tied.equal.all()
    shared = block_of(System({"P": [row("p", 0, 1, 9), row("q", 0, 0, 1)], "W": [row("w", 0, 1, 4)]}, (PERSONS,)))
    assert shared_windows(shared, PERSONS) == [(0, 2 * DAY)]
    tied = ties(shared, Grid.whole(shared.nodes))
    assert tied.rows.toarray().tolist() == [[1, 1, -1, -1]]
    assert not tied.equal.any()


def test_a_statement_is_the_sum_of_the_flows_it_covers():
    block = block_of(System({"N": [row("n", 0, 0, -1)], "E": [row("e", 0, 1, 9)]}, ()))
    assert coverage(block, Grid.whole(block.nodes)).toarray().tolist() == [[0, 0, 1, 0], [1, 1, 0, 0]]
    assert least_flow(block, 2).tolist() == [0, 0, -np.inf, -np.inf]


def test_figures_on_a_grid_are_counted_in_its_steps_and_others_are_not():
    c = system(("a", 0, 1, 5, 9), ("b", 0, 2, 0.25, np.inf))
    grid = grid_of(c)
    steps = on_grid(c, grid)
    assert (steps.lower / grid).tolist() == [5, 0.25]
    assert on_grid(system(("a", 0, 1, 1 / 3, 9)), grid) is None
    assert grid_of(system(("a", 0, 1, 0, 2.0**49))) < grid


def test_a_forest_of_equalities_prefers_short_windows_and_names_the_groups():
    chosen, group = spanning(np.array([0, 0, 1, 3]), np.array([2, 1, 2, 4]), 6)
    assert sorted(chosen.tolist()) == [1, 2, 3]
    assert len(set(group[[0, 1, 2]].tolist())) == 1
    assert len(set(group.tolist())) == 3
    none, alone = spanning(np.zeros(0, dtype=int), np.zeros(0, dtype=int), 3)
    assert len(none) == 0
    assert alone.tolist() == [0, 1, 2]
