"""The one database that every release serves: generated, the same from the same seed."""

from __future__ import annotations

import random
import sqlite3
from datetime import date, timedelta
from pathlib import Path
from typing import Final

__all__ = ["CUSTOMERS", "DATABASE", "ORDERS", "PRODUCTS", "make_database"]

DATABASE: Final = "shop"
CUSTOMERS: Final = 500
PRODUCTS: Final = 120
ORDERS: Final = 3_000

_SEED: Final = 20200809
_STATUSES: Final = ("open", "paid", "sent", "returned")
_COUNTRIES: Final = ("Austria", "Brazil", "Canada", "Denmark", "Egypt", "France")
_COLOURS: Final = ("amber", "blue", "copper", "dark", "emerald", "faded", "green", "white")
_THINGS: Final = ("basket", "chair", "desk", "frame", "kettle", "lamp", "mirror", "shelf", "stool", "vase")
_SCHEMA: Final = """
create table countries (id integer primary key, name text);
create table customers (id integer primary key, name text, country_id integer references countries(id), note text);
create table products (id integer primary key, name text, price real, tags text, picture blob);
create table orders (id integer primary key, customer_id integer references customers(id),
    product_id integer references products(id), quantity integer, status text, ordered_on text, discount real);
create table stock (product_id integer, warehouse text, units integer, primary key (product_id, warehouse));
create table returns (id integer primary key, order_id integer references orders(id), reason text);
create table "odd name/with slash" (id integer primary key, "a column" text);
create view open_orders as select id, customer_id, quantity from orders where status = 'open';
create virtual table products_fts using fts4(name, content="products");
"""


def make_database(folder: Path) -> Path:
    """Write the database into a folder, and return its path.

    Examples
    --------
    >>> import sqlite3, tempfile
    >>> with tempfile.TemporaryDirectory() as folder, sqlite3.connect(make_database(Path(folder))) as made:
    ...     made.execute("select count(*), sum(quantity) from orders").fetchone()
    (3000, 16258)
    """
    drawn = random.Random(_SEED)  # noqa: S311 - the same rows every time
    path = folder / f"{DATABASE}.db"
    made = sqlite3.connect(path)
    made.executescript(_SCHEMA)
    made.executemany("insert into countries values (?, ?)", enumerate(_COUNTRIES, 1))
    made.executemany(
        "insert into customers values (?, ?, ?, ?)",
        (
            (number, f"Customer {number:03}", drawn.randint(1, len(_COUNTRIES)), "<b>bold</b>" if number == 1 else None)
            for number in range(1, CUSTOMERS + 1)
        ),
    )
    made.executemany(
        "insert into products values (?, ?, ?, ?, ?)",
        (
            (
                number,
                f"{drawn.choice(_COLOURS)} {drawn.choice(_THINGS)} {number}",
                round(drawn.uniform(2, 400), 2),
                f'["{drawn.choice(_COLOURS)}"]',
                bytes(range(16)) if number == 1 else None,
            )
            for number in range(1, PRODUCTS + 1)
        ),
    )
    made.executemany(
        "insert into orders values (?, ?, ?, ?, ?, ?, ?)", (_order(drawn, n) for n in range(1, ORDERS + 1))
    )
    made.executemany(
        "insert into stock values (?, ?, ?)",
        ((number, place, drawn.randint(0, 90)) for number in range(1, PRODUCTS + 1) for place in ("north", "south")),
    )
    made.executemany(
        "insert into returns values (?, ?, ?)",
        ((number, drawn.randint(1, ORDERS), drawn.choice(("broken", "late", "unwanted"))) for number in range(1, 301)),
    )
    made.execute('insert into "odd name/with slash" values (1, ?)', ("one",))
    made.execute("insert into products_fts (docid, name) select id, name from products")
    made.commit()
    made.close()
    return path


def _order(drawn: random.Random, number: int) -> tuple[object, ...]:
    day = date(2019, 1, 1) + timedelta(days=drawn.randint(0, 700))
    discount = round(drawn.uniform(0.05, 0.3), 2) if drawn.random() < 0.2 else None
    return (
        number,
        drawn.randint(1, CUSTOMERS),
        drawn.randint(1, PRODUCTS),
        drawn.randint(1, 10),
        drawn.choice(_STATUSES),
        day.isoformat(),
        discount,
    )
