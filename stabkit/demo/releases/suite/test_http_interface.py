"""What a consumer of a datasette server relies on: its documented HTTP interface, asked from outside.

Nothing here comes from the project's own tests. The server serves the generated database of ``..database``.
"""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import httpx
import pytest

ORDERS = "/shop/orders.json"
COUNT = "select count(*) as n from orders"


def answer(http: httpx.Client, path: str, **query: Any) -> Any:
    """Return the JSON of a good answer."""
    got = http.get(path, params=query)
    assert got.status_code == 200, f"GET {path} answers {got.status_code}"
    return got.json()


def objects(http: httpx.Client, path: str = ORDERS, **query: Any) -> list[dict[str, Any]]:
    """Return rows as objects."""
    found: list[dict[str, Any]] = answer(http, path, _shape="array", **query)
    return found


def rows_of_csv(http: httpx.Client, path: str, **query: Any) -> list[dict[str, str]]:
    """Return the rows of a CSV answer."""
    got = http.get(path, params=query)
    assert got.status_code == 200, f"GET {path} answers {got.status_code}"
    return list(csv.DictReader(io.StringIO(got.text)))


class TestPages:
    """Pages for people."""

    @pytest.mark.parametrize("path", ["/", "/shop", "/shop/orders", "/shop/orders/1", "/shop/open_orders"])
    def test_page_is_html(self, http, path):
        got = http.get(path)
        assert got.status_code == 200
        assert got.headers["content-type"].startswith("text/html")

    def test_home_names_the_database(self, http):
        assert "shop" in http.get("/").text

    def test_database_page_lists_tables(self, http):
        text = http.get("/shop").text
        assert all(name in text for name in ("customers", "orders", "products"))

    def test_table_page_counts_rows(self, http):
        assert "3,000 rows" in http.get("/shop/orders").text

    def test_text_of_a_cell_is_escaped(self, http):
        text = http.get("/shop/customers", params={"id": 1}).text
        assert "<b>bold</b>" not in text
        assert "&lt;b&gt;bold" in text

    def test_text_of_a_filter_is_escaped(self, http):
        assert "<script>alert(" not in http.get("/shop/orders", params={"status": "<script>alert(1)</script>"}).text

    def test_trailing_slash_redirects(self, http):
        got = http.get("/shop/")
        assert got.status_code in (301, 302)
        assert got.headers["location"] == "/shop"

    def test_redirect_stays_on_this_site(self, http):
        got = http.get("//example.com/foo/bar/")
        assert not got.headers.get("location", "").startswith("//")

    def test_stylesheet_is_served(self, http):
        got = http.get("/-/static/app.css")
        assert got.status_code == 200
        assert got.headers["content-type"].startswith("text/css")

    def test_favicon_is_served(self, http):
        assert http.get("/favicon.ico").status_code == 200

    def test_head_is_answered(self, http):
        assert http.head("/").status_code == 200

    def test_no_other_site_may_read(self, http):
        assert "access-control-allow-origin" not in http.get(ORDERS).headers


class TestAbout:
    """What the server says of itself."""

    def test_versions_name_the_release(self, http):
        assert answer(http, "/-/versions.json")["datasette"]["version"]

    def test_versions_name_sqlite(self, http):
        assert answer(http, "/-/versions.json")["sqlite"]["version"]

    def test_plugins_are_a_list(self, http):
        assert isinstance(answer(http, "/-/plugins.json"), list)

    def test_settings_name_the_page_size(self, http):
        assert answer(http, "/-/settings.json")["default_page_size"] == 100

    def test_databases_are_a_list(self, http):
        assert [entry["name"] for entry in answer(http, "/-/databases.json")] == ["shop"]

    def test_nobody_is_signed_in(self, http):
        assert answer(http, "/-/actor.json") == {"actor": None}

    def test_metadata_is_answered(self, http):
        assert isinstance(answer(http, "/-/metadata.json"), dict)

    def test_threads_are_counted(self, http):
        assert answer(http, "/-/threads.json")["num_threads"] >= 1

    def test_database_lists_its_tables(self, http):
        names = {table["name"] for table in answer(http, "/shop.json")["tables"]}
        assert {"customers", "orders", "products", "stock"} <= names

    def test_table_names_its_primary_key(self, http):
        assert answer(http, ORDERS, _extra="primary_keys")["primary_keys"] == ["id"]


class TestShapes:
    """Rows as JSON, in the shapes that are documented."""

    def test_rows_are_objects_by_default(self, http):
        assert answer(http, ORDERS, _size=1)["rows"][0]["id"] == 1

    def test_shape_objects(self, http):
        assert answer(http, ORDERS, _size=2, _shape="objects")["rows"][1]["id"] == 2

    def test_shape_array(self, http):
        assert [row["id"] for row in answer(http, ORDERS, _size=3, _shape="array")] == [1, 2, 3]

    def test_shape_arrays(self, http):
        assert answer(http, ORDERS, _size=1, _shape="arrays")["rows"][0][0] == 1

    def test_shape_arrayfirst(self, http):
        assert answer(http, ORDERS, _size=3, _shape="arrayfirst") == [1, 2, 3]

    def test_shape_object(self, http):
        assert list(answer(http, ORDERS, _size=2, _shape="object")) == ["1", "2"]

    def test_lines_of_json(self, http):
        lines = http.get(ORDERS, params={"_size": 2, "_shape": "array", "_nl": "on"}).text.splitlines()
        assert [json.loads(line)["id"] for line in lines] == [1, 2]

    def test_unknown_shape_is_refused(self, http):
        assert http.get(ORDERS, params={"_shape": "sphere"}).status_code == 400

    def test_a_row(self, http):
        assert answer(http, "/shop/orders/7.json", _shape="objects")["rows"][0]["id"] == 7

    def test_a_row_with_two_keys(self, http):
        assert answer(http, "/shop/stock/1,north.json", _shape="objects")["rows"][0]["warehouse"] == "north"

    def test_a_view(self, http):
        assert len(objects(http, "/shop/open_orders.json", _size=5)) == 5

    def test_labels_of_foreign_keys(self, http):
        assert objects(http, "/shop/customers.json", _size=1, _labels="on")[0]["country_id"]["label"]

    def test_column_that_holds_json(self, http):
        assert isinstance(objects(http, "/shop/products.json", _size=1, _json="tags")[0]["tags"], list)

    def test_bytes_are_base64(self, http):
        assert objects(http, "/shop/products.json", _size=1)[0]["picture"]["$base64"] is True

    def test_bytes_can_be_fetched(self, http):
        got = http.get("/shop/products/1.blob", params={"_blob_column": "picture"})
        assert got.status_code == 200
        assert got.content == bytes(range(16))

    def test_failed_request_says_so_in_json(self, http):
        got = http.get("/shop/nothing.json")
        assert got.status_code == 404
        assert got.json()["ok"] is False

    def test_missing_row_is_not_found(self, http):
        assert http.get("/shop/orders/99999.json").status_code == 404

    def test_missing_database_is_not_found(self, http):
        assert http.get("/nothing.json").status_code == 404


class TestRows:
    """Which rows, and in which order."""

    def test_page_holds_a_hundred(self, http):
        assert len(objects(http)) == 100

    def test_size_is_obeyed(self, http):
        assert len(objects(http, _size=7)) == 7

    def test_size_max(self, http):
        assert len(objects(http, _size="max")) == 1000

    def test_size_above_the_limit_is_refused(self, http):
        assert http.get(ORDERS, params={"_size": 5000}).status_code == 400

    def test_sorted(self, http):
        found = [row["quantity"] for row in objects(http, _sort="quantity")]
        assert found == sorted(found)

    def test_sorted_downwards(self, http):
        found = [row["ordered_on"] for row in objects(http, _sort_desc="ordered_on")]
        assert found == sorted(found, reverse=True)

    def test_two_orders_are_refused(self, http):
        assert http.get(ORDERS, params={"_sort": "id", "_sort_desc": "id"}).status_code == 400

    def test_order_of_an_unknown_column_is_refused(self, http):
        assert http.get(ORDERS, params={"_sort": "nothing"}).status_code == 400

    @pytest.mark.parametrize(
        ("query", "holds"),
        [
            ({"status": "open"}, lambda row: row["status"] == "open"),
            ({"status__not": "open"}, lambda row: row["status"] != "open"),
            ({"quantity__gt": 9}, lambda row: row["quantity"] > 9),
            ({"quantity__lte": 2}, lambda row: row["quantity"] <= 2),
            ({"ordered_on__startswith": "2019-03"}, lambda row: row["ordered_on"].startswith("2019-03")),
            ({"status__contains": "turn"}, lambda row: row["status"] == "returned"),
            ({"status__in": "open,paid"}, lambda row: row["status"] in ("open", "paid")),
            ({"discount__isnull": 1}, lambda row: row["discount"] is None),
            ({"_where": "quantity = 3"}, lambda row: row["quantity"] == 3),
        ],
        ids=["exact", "not", "gt", "lte", "startswith", "contains", "in", "isnull", "where"],
    )
    def test_filtered(self, http, query, holds):
        found = objects(http, **query)
        assert found
        assert all(holds(row) for row in found)

    def test_searched(self, http):
        found = objects(http, "/shop/products.json", _search="lamp")
        assert found
        assert all("lamp" in row["name"] for row in found)

    def test_pages_hold_each_row_once(self, http):
        found, token = [], None
        while True:
            page = answer(http, "/shop/returns.json", _shape="objects", **({"_next": token} if token else {}))
            found += [row["id"] for row in page["rows"]]
            token = page["next"]
            if token is None:
                break
        assert found == list(range(1, 301))

    def test_link_to_the_next_page(self, http):
        assert 'rel="next"' in http.get(ORDERS, params={"_shape": "array"}).headers["link"]

    def test_facet_counts(self, http):
        facets = answer(http, ORDERS, _facet="status", _size=1)["facet_results"]
        results = facets.get("results", facets)["status"]["results"]
        assert sum(each["count"] for each in results) == 3_000

    def test_columns_chosen(self, http):
        assert set(objects(http, _col="status", _size=1)[0]) == {"id", "status"}

    def test_columns_left_out(self, http):
        assert "status" not in objects(http, _nocol="status", _size=1)[0]


class TestQueries:
    """SQL of one's own."""

    def test_query_at_the_database(self, http):
        got = http.get("/shop.json", params={"sql": COUNT, "_shape": "array"})
        assert got.status_code == 200
        assert got.json() == [{"n": 3_000}]

    def test_query_at_its_own_address(self, http):
        assert answer(http, "/shop/-/query.json", sql=COUNT, _shape="array") == [{"n": 3_000}]

    def test_query_followed(self, http):
        got = http.get("/shop.json", params={"sql": COUNT, "_shape": "array"}, follow_redirects=True)
        assert got.json() == [{"n": 3_000}]

    def test_named_parameter(self, http):
        query = {"sql": "select :word as word", "word": "ten", "_shape": "array"}
        assert http.get("/shop.json", params=query, follow_redirects=True).json() == [{"word": "ten"}]

    def test_error_of_sql_is_told(self, http):
        got = http.get("/shop.json", params={"sql": "select nothing from nowhere"}, follow_redirects=True)
        assert got.status_code == 400
        assert got.json()["ok"] is False

    def test_nothing_is_written(self, http):
        got = http.get("/shop.json", params={"sql": "delete from orders"}, follow_redirects=True)
        assert got.status_code in (400, 403)

    def test_slow_query_is_ended(self, http):
        slow = "with recursive c(n) as (select 1 union all select n + 1 from c) select max(n) from c"
        got = http.get("/shop.json", params={"sql": slow, "_timelimit": 50}, follow_redirects=True)
        assert got.status_code == 400


class TestCsv:
    """Rows as CSV."""

    def test_table(self, http):
        assert [row["id"] for row in rows_of_csv(http, "/shop/orders.csv", _size=3)] == ["1", "2", "3"]

    def test_type(self, http):
        assert http.get("/shop/orders.csv").headers["content-type"].startswith("text/plain")

    def test_download(self, http):
        got = http.get("/shop/orders.csv", params={"_dl": 1})
        assert got.headers["content-disposition"] == 'attachment; filename="orders.csv"'

    def test_streamed_whole(self, http):
        assert len(rows_of_csv(http, "/shop/orders.csv", _stream="on")) == 3_000

    def test_labels(self, http):
        assert rows_of_csv(http, "/shop/customers.csv", _size=1, _labels="on")[0]["country_id_label"]
