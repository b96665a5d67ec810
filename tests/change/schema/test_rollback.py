# ruff: noqa: E501 - a case is a line
"""What a range loses, and which of its migrations nothing takes back; on repositories built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.schema import answer_rollback
from tests.change.schema.answers import (
    Files,
    alembic,
    asked,
    changelog,
    django,
    entity,
    knex,
    laravel,
    rails,
    told,
    typeorm,
)

ORDERS = "CREATE TABLE orders (id serial PRIMARY KEY, tax int, note varchar(50));\n"
MODEL = "migrations.CreateModel(name='Order', fields=[('id', models.AutoField(primary_key=True)), ('note', models.CharField(max_length=50))])"


@pytest.mark.parametrize(
    ("path", "text", "facts"),
    [
        # SQL
        ("db/migrations/2.sql", "ALTER TABLE orders DROP COLUMN tax;", [("dropped", "orders.tax", True)]),
        ("db/migrations/2.sql", 'ALTER TABLE "orders" DROP "tax", ADD a int;', [("dropped", "orders.tax", True)]),
        ("db/migrations/2.sql", "ALTER TABLE [orders] DROP COLUMN tax, note;", [("dropped", "orders.tax", True), ("dropped", "orders.note", True)]),
        ("db/migrations/2.sql", "DROP TABLE IF EXISTS a, orders CASCADE;", [("dropped", "a", True), ("dropped", "orders", True)]),
        ("db/migrations/2.sql", "TRUNCATE orders; DELETE FROM public.orders WHERE id = 1;", [("emptied", "orders", True), ("emptied", "public.orders", True)]),
        ("db/migrations/2.sql", "UPDATE orders AS o SET tax = tax + 1, note = upper(note) WHERE id > 3;", [("overwritten", "orders.tax", False), ("overwritten", "orders.note", False)]),
        ("shop/migrations/0002_a.py", django("migrations.RunSQL('UPDATE a SET b = 1', migrations.RunSQL.noop)"), [("overwritten", "a.b", False)]),
        ("alembic/versions/b.py", alembic("    op.execute('UPDATE orders SET tax = 0')", "    op.execute('SELECT 1')"), [("overwritten", "orders.tax", False)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER COLUMN note TYPE varchar(10);", [("narrowed", "orders.note", False)]),
        ("db/migrations/2.sql", "ALTER TABLE orders MODIFY note VARCHAR(10);", [("narrowed", "orders.note", False)]),
        ("db/migrations/2.sql", "DO $$ BEGIN ALTER TABLE orders DROP COLUMN tax; END $$;", [("dropped", "orders.tax", False)]),
        ("db/migrations/2.sql", "ALTER TABLE orders DROP PARTITION p1;", [("dropped", "orders.p1", True)]),
        ("db/migration/V2__tax.sql", "ALTER TABLE orders DROP COLUMN tax;", [("dropped", "orders.tax", True)]),
        ("prisma/migrations/2_a/migration.sql", 'ALTER TABLE "orders" DROP COLUMN "tax";', [("dropped", "orders.tax", True)]),
        ("drizzle/0002_a.sql", "ALTER TABLE `orders` DROP COLUMN `tax`;--> statement-breakpoint", [("dropped", "orders.tax", True)]),
        ("scripts/upgrade.sql", "ALTER TABLE orders DROP COLUMN tax;", [("dropped", "orders.tax", False)]),
        # the way back
        ("db/migrations/2.sql", "-- +goose Up\nALTER TABLE orders ADD a int;\n-- +goose Down\n", [("one_way", "the part that leads back is empty", True)]),
        ("db/migrations/2.sql", "-- migrate:up\nALTER TABLE orders ADD a int;\n", [("one_way", "there is no part that leads back", True)]),
        ("db/migrations/2.up.sql", "ALTER TABLE orders ADD a int;", [("one_way", "there is no 2.down.sql", True)]),
        ("migrations/2_a/up.sql", "ALTER TABLE orders ADD a int;", [("one_way", "there is no down.sql", True)]),
        # Django
        ("shop/migrations/0002_a.py", django("migrations.RemoveField('order', 'tax')"), [("dropped", "order.tax", True)]),
        ("shop/migrations/0002_a.py", django("migrations.DeleteModel(name='Order')"), [("dropped", "Order", True)]),
        ("shop/migrations/0002_a.py", django("migrations.RunPython(f)"), [("one_way", "RunPython without reverse", True)]),
        ("shop/migrations/0002_a.py", django("migrations.RunPython(f, None)"), [("one_way", "RunPython without reverse", True)]),
        ("shop/migrations/0002_a.py", django("migrations.RunSQL('DELETE FROM a')"), [("emptied", "a", True), ("one_way", "RunSQL without reverse", True)]),
        ("shop/migrations/0002_a.py", django("migrations.RunSQL([('DROP TABLE a', None)], 'x')"), [("dropped", "a", True)]),
        (
            "shop/migrations/0002_a.py",
            django("migrations.SeparateDatabaseAndState([migrations.RunSQL('DROP TABLE a', 'x')], state_operations=[migrations.DeleteModel('B')])"),
            [("dropped", "a", True)],
        ),
        (
            "shop/migrations/0002_a.py",
            django("migrations.RunPython(f, migrations.RunPython.noop)", extra="def f(apps, e):\n    Order = apps.get_model('shop', 'Order')\n    Order.objects.filter(a=1).delete()\n"),
            [("emptied", "Order", False)],
        ),
        # Alembic
        ("alembic/versions/b.py", alembic("    op.drop_column('orders', 'tax')"), [("dropped", "orders.tax", True)]),
        ("alembic/versions/b.py", alembic("    with op.batch_alter_table('orders') as batch:\n        batch.drop_column('tax')"), [("dropped", "orders.tax", True)]),
        ("alembic/versions/b.py", alembic("    op.add_column('orders', sa.Column('a', sa.Integer))", "    pass\n"), [("one_way", "the downgrade is empty", True)]),
        ("alembic/versions/b.py", alembic("    op.add_column('orders', sa.Column('a', sa.Integer))", "    raise NotImplementedError\n"), [("one_way", "the downgrade raises", True)]),
        ("alembic/versions/b.py", alembic("    op.execute(sa.text('DELETE FROM orders'))"), [("emptied", "orders", True)]),
        ("alembic/versions/b.py", alembic("    op.alter_column('orders', 'note', existing_type=sa.String(50), type_=sa.String(length=10))"), [("narrowed", "orders.note", False)]),
        ("migrations/versions/b.py", alembic("    gone()\n\ndef gone():\n    op.drop_table('orders')"), [("dropped", "orders", True)]),
        # others, by pattern
        ("db/migrate/2_a.rb", rails("  def change\n    remove_column :orders, :tax, :integer\n  end\n"), [("dropped", "orders.tax", False)]),
        ("db/migrate/2_a.rb", rails("  def change\n    change_table :orders do |t|\n      t.remove :tax, type: :integer\n    end\n  end\n"), [("dropped", "orders.tax", False)]),
        ("db/migrate/2_a.rb", rails("  def up\n    add_index :orders, :tax\n  end\n\n  def down\n    raise ActiveRecord::IrreversibleMigration\n  end\n"), [("one_way", "the way down raises", False)]),
        ("db/migrate/2_a.rb", rails("  def up\n    drop_table :orders\n  end\n\n  def down\n    create_table :orders\n  end\n"), [("dropped", "orders", False)]),
        ("migrations/2_a.js", knex("return knex.schema.alterTable('orders', (table) => { table.dropColumn('tax'); });"), [("dropped", "orders.tax", False)]),
        ("migrations/2_a.js", knex("return knex.schema.dropTableIfExists('orders');"), [("dropped", "orders", False)]),
        ("migrations/2_a.js", knex("return knex.schema.alterTable('orders', (t) => { t.string('a'); });", ""), [("one_way", "the way down is empty", False)]),
        ("migrations/2_a.js", "module.exports = { up: (queryInterface) => queryInterface.removeColumn('orders', 'tax'), down: (q) => q.addColumn('orders', 'tax', {}) };", [("dropped", "orders.tax", False)]),
        ("src/migrations/2-a.ts", typeorm('await queryRunner.query(`ALTER TABLE "orders" DROP COLUMN "tax"`);'), [("dropped", "orders.tax", False)]),
        ("src/migrations/2-a.ts", typeorm('await queryRunner.dropColumn("orders", "tax");'), [("dropped", "orders.tax", False)]),
        ("database/migrations/2_a.php", laravel("Schema::table('orders', function (Blueprint $table) { $table->dropColumn(['tax', 'note']); });"), [("dropped", "orders.tax", False), ("dropped", "orders.note", False)]),
        ("database/migrations/2_a.php", laravel("DB::table('orders')->delete();"), [("emptied", "orders", False)]),
        ("Data/Migrations/2_A.cs", entity('migrationBuilder.DropColumn(name: "Tax", table: "Orders");'), [("dropped", "Orders.Tax", False)]),
        ("priv/repo/migrations/2_a.exs", "defmodule A do\n  use Ecto.Migration\n  def change do\n    alter table(:orders) do\n      remove :tax\n    end\n  end\nend\n", [("dropped", "orders.tax", False)]),
        ("db/migrations/2_a.go", "package m\nfunc up2(tx *sql.Tx) error {\n\t_, err := tx.Exec(`DROP TABLE orders`)\n\treturn err\n}\nfunc down2(tx *sql.Tx) error {\n\t_, err := tx.Exec(`DROP TABLE undo`)\n\treturn err\n}\n", [("dropped", "orders", False)]),
        ("db/changelog/2.xml", changelog('<dropColumn tableName="orders" columnName="tax"/>', "<rollback/>"), [("dropped", "orders.tax", True)]),
        ("db/changelog/2.xml", changelog("<sql>DELETE FROM orders</sql>"), [("one_way", "sql without rollback", True), ("emptied", "orders", True)]),
        ("db/changelog/2.yaml", "databaseChangeLog:\n  - changeSet:\n      id: 1\n      author: a\n      changes:\n        - dropTable:\n            tableName: orders\n      rollback: empty\n", [("dropped", "orders", True)]),
        ("db/changelog/2.sql", "--liquibase formatted sql\n--changeset a:1\nALTER TABLE orders DROP COLUMN tax;\n--rollback ALTER TABLE orders ADD tax int;\n", [("dropped", "orders.tax", True)]),
    ],
)  # fmt: skip
def test_what_a_new_migration_loses(tmp_path: Path, path: str, text: str, facts: list[tuple[str, str, bool]]) -> None:
    folder = path.rpartition("/")[0]
    before: Files = {f"{folder}/1.sql": ORDERS} if path.endswith(".sql") else {}
    if path.startswith("prisma"):
        before = {"prisma/migrations/1_a/migration.sql": ORDERS}
    answer = asked(answer_rollback, tmp_path, before, {path: text})
    assert sorted(told(answer)) == sorted(facts), answer
    assert (answer.outcome, answer.examined) == ("fail", 1)
    assert all(fact.path == path and fact.line and fact.line <= text.count("\n") + 1 for fact in answer.facts)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("db/migrations/2.sql", "ALTER TABLE orders ADD COLUMN a int;"),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD COLUMN a int;\nUPDATE orders SET a = tax;"),
        ("db/migrations/2.sql", "UPDATE orders SET note = '' WHERE note IS NULL;"),
        ("db/migrations/2.sql", "CREATE TABLE n (id int, a int); UPDATE n SET a = 1;"),
        ("db/migrations/2.sql", "-- DROP TABLE orders;\nINSERT INTO n VALUES ('DROP TABLE orders;');"),
        ("db/migrations/2.sql", "ALTER TABLE orders DROP CONSTRAINT c, ALTER COLUMN tax DROP NOT NULL;"),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER COLUMN note TYPE varchar(80);"),
        ("db/migrations/2.sql", "-- +goose Up\nALTER TABLE orders ADD a int;\n-- +goose Down\nALTER TABLE orders DROP a;"),
        ("db/migrations/2.sql", "CREATE TRIGGER t AFTER DELETE ON orders BEGIN DELETE FROM n; DELETE FROM m; END;"),
        ("db/migrations/2.sql", "CREATE FUNCTION f() RETURNS void AS $$ DELETE FROM orders; $$ LANGUAGE sql;"),
        ("db/migrations/2.sql", "CREATE TABLE scratch (a int); DROP TABLE scratch;"),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD a int; ALTER TABLE orders DROP COLUMN a;"),
        ("db/migrations/2.sql", "DROP TABLE IF EXISTS n; CREATE TABLE n (id int, tax int, note varchar(50));\nINSERT INTO n SELECT * FROM orders;\nDROP TABLE orders;\nALTER TABLE n RENAME TO orders;"),
        ("db/migrations/2.sql", "ALTER TABLE orders RENAME TO old; CREATE TABLE orders (id int, tax int, note text);\nINSERT INTO orders SELECT * FROM old; DROP TABLE old;"),
        ("shop/migrations/0002_a.py", django("migrations.RunPython(f, migrations.RunPython.noop)")),
        ("shop/migrations/0002_a.py", django("migrations.RunSQL('ALTER TABLE a ADD b int', migrations.RunSQL.noop)")),
        ("shop/migrations/0002_a.py", django("migrations.AddField('order', 'a', models.CharField(max_length=9, null=True))")),
        ("shop/migrations/0002_a.py", django("migrations.SeparateDatabaseAndState(state_operations=[migrations.DeleteModel('B')])")),
        ("alembic/versions/b.py", alembic("    pass", "    pass\n")),
        ("db/migrate/2_a.rb", rails("  def change\n    add_column :orders, :a, :string\n  end\n")),
        ("db/migrate/2_a.rb", rails("  # drop_table :orders\n  def up\n    add_column :orders, :a, :string\n  end\n  def down\n    remove_column :orders, :a\n  end\n")),
        ("migrations/2_a.js", knex("return knex.schema.alterTable('orders', (t) => { t.string('a'); });", "return knex.schema.alterTable('orders', (t) => { t.dropColumn('a'); });")),
        ("src/migrations/2-a.ts", typeorm('await queryRunner.query(`ALTER TABLE "orders" ADD "a" int`);', 'await queryRunner.query(`ALTER TABLE "orders" DROP COLUMN "a"`);')),
        ("db/changelog/2.xml", changelog('<addColumn tableName="orders"><column name="a" type="int"/></addColumn>')),
    ],
)  # fmt: skip
def test_what_loses_nothing(tmp_path: Path, path: str, text: str) -> None:
    before: Files = {"db/migrations/1.sql": ORDERS, "shop/migrations/0001_initial.py": django(MODEL)}
    answer = asked(answer_rollback, tmp_path, before, {path: text})
    assert (told(answer), answer.outcome, answer.examined) == ([], "pass", 1), answer


def test_a_down_file_is_looked_for_beside_its_other_half(tmp_path: Path) -> None:
    up, down = "db/migrations/2.up.sql", "db/migrations/2.down.sql"
    add, drop = "ALTER TABLE orders ADD a int;", "ALTER TABLE orders DROP a;"
    for number, (before, after, words) in enumerate(
        [
            ({}, {up: add, down: drop}, []),
            ({}, {up: add, down: "-- nothing\n"}, ["2.down.sql is empty"]),
            ({up: add, down: drop}, {down: None}, ["2.down.sql is gone"]),
        ]
    ):
        answer = asked(answer_rollback, tmp_path / str(number), before, after)
        assert [what for _, what, _ in told(answer)] == words


def test_an_older_step_is_none_of_the_change(tmp_path: Path) -> None:
    path, old = "db/migrations/2.sql", "DROP TABLE a;\n"
    answer = asked(answer_rollback, tmp_path, {path: old}, {path: f"-- words\n{old}"})
    assert (answer.outcome, answer.examined) == ("pass", 1)


def test_a_migration_that_moved_is_neither_new_nor_gone(tmp_path: Path) -> None:
    text = "ALTER TABLE orders DROP COLUMN tax;\n"
    moved: Files = {"db/migrations/2.sql": None, "store/migrations/0002.sql": text}
    assert asked(answer_rollback, tmp_path / "a", {"db/migrations/2.sql": text}, moved).outcome == "pass"
    squashed: Files = {"shop/migrations/0002_tax.py": None, "shop/migrations/0001_initial.py": None, "shop/migrations/0001_squashed.py": django(MODEL.replace("])", ", ('tax', models.IntegerField())])"))}  # fmt: skip
    before = {
        "shop/migrations/0001_initial.py": django(MODEL),
        "shop/migrations/0002_tax.py": django("migrations.AddField('order', 'tax', models.IntegerField())"),
    }
    assert asked(answer_rollback, tmp_path / "b", before, squashed).facts == ()


@pytest.mark.parametrize(
    ("operation", "proven"),
    [
        ("ALTER TABLE orders DROP COLUMN tax;", True),
        ("ALTER TABLE orders ADD a int NOT NULL;", True),
        ("ALTER TABLE orders ADD a int;", False),
    ],
)
def test_a_migration_that_the_candidate_does_not_know(tmp_path: Path, operation: str, proven: bool) -> None:
    before: Files = {"db/migrations/1.sql": ORDERS, "db/migrations/2.sql": operation}
    answer = asked(answer_rollback, tmp_path, before, {"db/migrations/2.sql": None})
    assert told(answer) == [("taken_back", "2.sql", proven)]


@pytest.mark.parametrize(
    ("before", "after", "why", "settled"),
    [
        ({"db/migrations/1.sql": ORDERS}, {"a.py": "1\n"}, "no migration changed", True),
        ({"a.py": "1\n"}, {"a.py": "2\n"}, "no migration found", True),
        (
            {"m.py": "class A(models.Model):\n    b = models.CharField(max_length=1)\n"},
            {"m.py": "class A(models.Model):\n    b = models.CharField(max_length=2)\n"},
            "models changed without a migration: A.b",
            False,
        ),
        ({}, {"db/migrations/2_a.cypher": "MATCH (n) DELETE n\n"}, "db/migrations/2_a.cypher", False),
        ({}, {"src/migrations/m2_a.rs": "fn up() {}\n"}, "m2_a.rs: no operation of a known tool", False),
        ({}, {"shop/migrations/0002_a.py": "def (\n"}, "0002_a.py: it cannot be parsed", False),
        ({}, {"shop/migrations/0002_a.py": django("custom.Reshape('a')")}, "the operation Reshape", False),
        (
            {},
            {"queries/users.sql": "-- name: DeleteUser :exec\nDELETE FROM users WHERE id = $1;\n"},
            "no migration",
            True,
        ),
    ],
)
def test_what_is_not_checked(tmp_path: Path, before: Files, after: Files, why: str, settled: bool) -> None:
    answer = asked(answer_rollback, tmp_path, before, after)
    assert (answer.outcome, answer.settled, why in str(answer.why)) == ("not_checked", settled, True), answer


HOSTILE = {
    "nul": b"\0" * 1000,
    "utf8": b"ALTER TABLE \xff\xfe DROP COLUMN \xff;",
    "quotes": b"'" * 200_001,
    "comments": b"/*" * 200_000,
    "dollars": b"$a$ $b$ " * 100_000,
    "brackets": b"(" * 100_000,
    "names": b"ALTER TABLE " + b"a" * 200_000 + b"!",
    "commas": b"ALTER TABLE a " + b"ADD b int, " * 20_000,
    "deep": b"x = " + b"[" * 5_000 + b"]" * 5_000,
    "laughs": b"databaseChangeLog: &a [1, 2]\nb: [*a, *a, *a]\n",
    "entities": b'<!DOCTYPE a [<!ENTITY b "c">]><databaseChangeLog>&b;</databaseChangeLog>',
    "elements": b"<databaseChangeLog>" + b"<a>" * 50_000,
    "calls": b"remove_column(" * 20_000,
    "braces": b"exports.down = (" + b"{" * 100_000,
}


@pytest.mark.parametrize("ending", ["sql", "py", "rb", "js", "php", "cs", "exs", "go", "xml", "yaml", "json"])
def test_hostile_files_are_answered(tmp_path: Path, ending: str) -> None:
    files = {f"db/migrations/{number}_{name}.{ending}": text for number, (name, text) in enumerate(HOSTILE.items())}
    answer = asked(answer_rollback, tmp_path, {}, files)
    assert answer.outcome in ("pass", "fail", "not_checked")
    answer.row()
