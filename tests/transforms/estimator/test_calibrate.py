"""Calibrated intervals: only where enough exact days of a regular bulletin stand, and then they keep their promise."""

import numpy as np
from interval_systems import INF, midnights, system

from transforms.estimator.calibrate import Calibration, around, calibrate, exact_days
from transforms.estimator.disaggregate import local_level, smoothest_paths
from transforms.estimator.engines.difference.engine import DifferenceEngine
from transforms.estimator.settings import EstimateSettings

S = EstimateSettings()


def series(seed=0, n=140, share=0.4):
    """Weekly totals, and exact counts of some days, of a level that wanders: (statements, truth, days known)."""
    rng = np.random.default_rng(seed)
    truth = rng.poisson(1000 * np.exp(np.cumsum(rng.normal(0, 0.08, n))))
    rows = [(f"w{i:03d}", i, i + 7, v, v) for i in range(0, n, 7) for v in [float(truth[i : i + 7].sum())]]
    known = np.flatnonzero(rng.random(n) < share)
    rows += [(f"d{i:03d}", i, i + 1, float(truth[i]), float(truth[i])) for i in known]
    return system(*rows), truth, known


def calibration(c, n, regular=None, settings=S):
    flags = np.ones(len(c), dtype=bool) if regular is None else regular
    return calibrate(c, midnights(n), np.zeros(n, dtype=bool), flags, settings, DifferenceEngine)


def test_only_exact_counts_of_exactly_one_day_calibrate():
    c = system(("a", 0, 1, 5, 5), ("b", 1, 2, 4, 6), ("c", 2, 4, 9, 9), ("d", 4.5, 5.5, 3, 3), ("e", 5, 6, 3, INF))
    rows, days = exact_days(c, midnights(8))
    assert (list(c.report_id[rows]), list(days)) == (["a"], [0])


def test_twenty_days_are_needed():
    c, _, known = series(share=0.5)
    few = c.take(~np.isin(c.report_id, np.array([f"d{i:03d}" for i in known[19:]], dtype=object)))
    enough = c.take(~np.isin(c.report_id, np.array([f"d{i:03d}" for i in known[20:]], dtype=object)))
    assert calibration(few, 140) is None
    assert calibration(enough, 140).days == 20


def test_a_third_of_the_days_must_come_from_a_regular_bulletin():
    c, _, known = series()
    days = [f"d{i:03d}" for i in known]
    regular = np.isin(c.report_id, np.array(days[: len(days) // 3 - 1], dtype=object))
    assert calibration(c, 140, regular) is None
    regular = np.isin(c.report_id, np.array(days[: len(days) // 3 + 1], dtype=object))
    assert calibration(c, 140, regular) is not None


def test_order_of_rows_and_switching_off():
    c, _, _ = series()
    back = c.take(np.arange(len(c))[::-1])
    assert abs(calibration(c, 140).quantile - calibration(back, 140).quantile) < 1e-9
    assert calibration(c, 140, settings=EstimateSettings(interval_level=None)) is None


def test_the_quantile_is_the_stated_order_statistic():
    c, _, known = series()
    levels = [calibration(c, 140, settings=EstimateSettings(interval_level=v)).quantile for v in (0.5, 0.8, 0.9, 0.99)]
    assert levels == sorted(levels)
    assert len(set(levels)) == 4
    assert calibration(c, 140).days == len(known)


def test_unseen_days_lie_inside_about_nine_times_in_ten():
    no_breaks = np.zeros(140, dtype=bool)
    inside = total = 0
    for seed in range(6):
        c, truth, known = series(seed)
        found = calibration(c, 140)
        (path,) = smoothest_paths("S", c, midnights(140), no_breaks, S, DifferenceEngine)
        flows = path.days(path.domain.runs[0], midnights(140))
        low, high = around(flows, local_level(flows, no_breaks), np.zeros(140), np.full(140, INF), found)
        unseen = np.setdiff1d(np.arange(140), known)
        inside += ((low <= truth) & (truth <= high))[unseen].sum()
        total += len(unseen)
    assert 0.85 <= inside / total <= 0.97


def test_intervals_are_clipped_to_the_logical_bounds_and_rounded_outwards():
    flows, level = np.array([100.0, 5.5]), np.array([100.0, 10.0])
    low, high = around(flows, level, np.array([95.0, 0.0]), np.array([1000.0, 7.0]), Calibration(0.333, 20))
    assert list(low) == [95, 2]
    assert list(high) == [134, 7]
