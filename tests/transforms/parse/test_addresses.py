"""A source's one address: asked as it stands, or found on the page that links to it."""

from __future__ import annotations

import pytest
from parse_support import sources

from crossings.errors import CrossingsError, FetchFailed
from transforms.parse.addresses import address_of, ask_one, newest_link

TEMPLATE = "https://office.example/files/{year}/detections_{release}.xlsx?v=1"


def linked(*paths):
    return newest_link(
        "src", TEMPLATE, "".join(f"<a href='{p}'>x</a>" for p in paths).encode(), "https://office.example/"
    )


def test_the_newest_link_is_by_number_not_by_letter():
    assert linked("/files/2026/detections_9.xlsx", "/files/2026/detections_10.xlsx") == (
        "https://office.example/files/2026/detections_10.xlsx"
    )
    assert linked("/files/2025/detections_12.xlsx", "/files/2026/detections_1.xlsx").endswith("/2026/detections_1.xlsx")


def test_a_link_elsewhere_on_the_page_or_on_another_host_is_never_followed():
    found = linked("https://elsewhere.example/files/2026/detections_3.xlsx", "/other/2027/detections_4.xlsx")
    assert found == "https://office.example/files/2026/detections_3.xlsx"


def test_a_page_without_the_link_is_told():
    with pytest.raises(FetchFailed, match=r"src: https://office.example/ links to nothing like /files/\{year\}"):
        linked("/files/2026/other.xlsx")


def test_the_page_is_asked_before_the_file_that_it_links_to():
    spec = sources()["eu-frontex-detections"]
    asking = ask_one(spec)
    assert (first := next(asking)).name == "page"
    assert first.address.url == address_of(spec, "page").url
    second = asking.send(b"<a href='/assets/Migratory_routes/2026/Monthly_detections_of_IBC_2026_03_01.xlsx'>")
    assert (second.name, second.address.role) == ("file", "file")
    assert second.address.url.endswith("/2026/Monthly_detections_of_IBC_2026_03_01.xlsx")


def test_an_address_as_it_stands_is_asked_at_once_with_its_form():
    (only,) = ask_one(sources()["kz-taldau"])
    assert (only.name, only.address.method, only.body) == ("data", "POST", None)
    assert only.address.form


def test_a_source_that_lacks_an_address_is_told_which():
    spec = sources()["eu-frontex-detections"]
    without = spec.model_copy(update={"addresses": tuple(a for a in spec.addresses if a.role != "page")})
    with pytest.raises(CrossingsError, match="has parts to fill in — state the page"):
        next(ask_one(without))
    with pytest.raises(CrossingsError, match="states no address for data — add one with role data or file"):
        next(ask_one(spec.model_copy(update={"addresses": ()})))
