# ruff: noqa: E501 - a case is a line
"""Whether code that knows the old schema runs on the new one; on repositories built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.schema import answer_old_code
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

ORDERS = "CREATE TYPE mood AS ENUM ('sad', 'glad');\nCREATE TABLE orders (id serial PRIMARY KEY, tax int, note varchar(50), paid int NOT NULL DEFAULT 0);\n"
MODEL = (
    "migrations.CreateModel(name='Order', fields=[('id', models.AutoField(primary_key=True)), "
    "('note', models.CharField(max_length=50, null=True)), ('tax', models.IntegerField())])"
)
BEFORE: Files = {"db/migrations/1.sql": ORDERS, "shop/migrations/0001_initial.py": django(MODEL)}
SECOND = "shop/migrations/0002_a.py"


@pytest.mark.parametrize(
    ("path", "text", "facts"),
    [
        ("db/migrations/2.sql", "ALTER TABLE orders DROP COLUMN tax;", [("dropped", "orders.tax", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders RENAME COLUMN tax TO vat;", [("renamed_away", "orders.tax", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders RENAME TO sales;", [("renamed_away", "orders", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders CHANGE tax vat INT;", [("renamed_away", "orders.tax", True)]),
        ("db/migrations/2.sql", "EXEC sp_rename 'orders.tax', 'vat', 'COLUMN';", [("renamed_away", "orders.tax", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD COLUMN a int NOT NULL;", [("required", "orders.a", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD a int;\nUPDATE orders SET a = 1;\nALTER TABLE orders ALTER a SET NOT NULL;", [("required", "orders.a", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD a int NOT NULL DEFAULT 1; ALTER TABLE orders ALTER a DROP DEFAULT;", [("required", "orders.a", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER COLUMN tax SET NOT NULL;", [("not_null", "orders.tax", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders MODIFY tax INT NOT NULL;", [("not_null", "orders.tax", True)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER COLUMN paid DROP DEFAULT;", [("default_dropped", "orders.paid", False)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER note TYPE varchar(9);", [("narrowed", "orders.note", False)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER note TYPE int USING note::int;", [("retyped", "orders.note", False)]),
        ("db/migrations/2.sql", "CREATE UNIQUE INDEX u ON orders (note);", [("unique", "orders(note)", False)]),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD CONSTRAINT u UNIQUE (note, tax);", [("unique", "orders(note, tax)", False)]),
        ("db/migrations/2.sql", "DROP VIEW sums;", [("dropped", "sums", True)]),
        ("db/migrations/2.sql", "ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';", [("value_removed", "mood.sad", True)]),
        (
            "db/migrations/2.sql",
            "ALTER TYPE mood RENAME TO mood_old;\nCREATE TYPE mood AS ENUM ('glad');\n"
            "ALTER TABLE orders ALTER COLUMN note TYPE mood USING note::text::mood;\nDROP TYPE mood_old;",
            [("value_removed", "mood.sad", True)],
        ),
        (
            "db/migrations/2.sql",
            "CREATE TABLE n (id int, note varchar(50), paid int NOT NULL DEFAULT 0);\nINSERT INTO n SELECT id, note, paid FROM orders;\n"
            "DROP TABLE orders;\nALTER TABLE n RENAME TO orders;",
            [("dropped", "orders.tax", True)],
        ),
        (SECOND, django("migrations.AddField('order', 'a', models.IntegerField(default=0))"), [("required", "order.a", True)]),
        (SECOND, django("migrations.AddField(model_name='order', name='a', field=models.ForeignKey('b', models.CASCADE))"), [("required", "order.a", True)]),
        (SECOND, django("migrations.AlterField('order', 'note', models.CharField(max_length=50))"), [("not_null", "order.note", True)]),
        (SECOND, django("migrations.AlterField('order', 'note', models.CharField(max_length=9, null=True))"), [("narrowed", "order.note", False)]),
        (SECOND, django("migrations.RenameField('order', 'note', 'words')"), [("renamed_away", "order.note", True)]),
        (SECOND, django("migrations.RenameModel('Order', 'Sale')"), [("renamed_away", "Order", True)]),
        (SECOND, django("migrations.AlterModelTable('order', 'sales')"), [("renamed_away", "order", True)]),
        (SECOND, django("migrations.RemoveField('order', 'tax')", "migrations.AddField('order', 'vat', models.IntegerField(null=True))"), [("dropped", "order.tax", True)]),
        (SECOND, django("migrations.AlterUniqueTogether('order', {('note', 'tax')})"), [("unique", "order(note, tax)", False)]),
        (SECOND, django("migrations.AddConstraint('order', models.UniqueConstraint(fields=['note'], name='u'))"), [("unique", "order(note)", False)]),
        ("alembic/versions/b.py", alembic("    op.add_column('orders', sa.Column('a', sa.Integer(), nullable=False))"), [("required", "orders.a", True)]),
        ("alembic/versions/b.py", alembic("    op.alter_column('orders', 'tax', existing_type=sa.Integer(), nullable=False)"), [("not_null", "orders.tax", True)]),
        ("alembic/versions/b.py", alembic("    op.alter_column('orders', 'tax', new_column_name='vat')"), [("renamed_away", "orders.tax", True)]),
        ("alembic/versions/b.py", alembic("    op.rename_table('orders', 'sales')"), [("renamed_away", "orders", True)]),
        ("alembic/versions/b.py", alembic("    with op.batch_alter_table('orders') as b:\n        b.add_column(sa.Column('a', sa.Integer(), nullable=False))"), [("required", "orders.a", True)]),
        ("alembic/versions/b.py", alembic("    op.create_index('i', 'orders', ['note'], unique=True)"), [("unique", "orders(note)", False)]),
        ("db/migrate/2_a.rb", rails("  def change\n    add_column :orders, :a, :integer, null: false\n  end\n"), [("required", "orders.a", False)]),
        ("db/migrate/2_a.rb", rails("  def change\n    rename_column :orders, :tax, :vat\n  end\n"), [("renamed_away", "orders.tax", False)]),
        ("db/migrate/2_a.rb", rails("  def change\n    change_column_null :orders, :tax, false\n  end\n"), [("not_null", "orders.tax", False)]),
        ("migrations/2_a.js", knex("return knex.schema.alterTable('orders', (t) => { t.integer('a').notNullable(); });"), [("required", "orders.a", False)]),
        ("migrations/2_a.js", "module.exports = { up: (queryInterface, S) => queryInterface.addColumn('orders', 'a', { type: S.INTEGER, allowNull: false }),\n down: (q) => q.removeColumn('orders', 'a') };", [("required", "orders.a", False)]),
        ("src/migrations/2-a.ts", typeorm('await queryRunner.query(`ALTER TABLE "orders" ADD "a" integer NOT NULL`);'), [("required", "orders.a", False)]),
        ("src/migrations/2-a.ts", typeorm('await queryRunner.renameColumn("orders", "tax", "vat");'), [("renamed_away", "orders.tax", False)]),
        ("database/migrations/2_a.php", laravel("Schema::table('orders', function (Blueprint $table) { $table->integer('a'); });"), [("required", "orders.a", False)]),
        ("Migrations/2_A.cs", entity('migrationBuilder.AddColumn<int>(name: "A", table: "Orders", type: "int", nullable: false);'), [("required", "Orders.A", False)]),
        ("db/changelog/2.xml", changelog('<addColumn tableName="orders"><column name="a" type="int"><constraints nullable="false"/></column></addColumn>'), [("required", "orders.a", True)]),
        ("db/changelog/2.xml", changelog('<renameColumn tableName="orders" oldColumnName="tax" newColumnName="vat"/>'), [("renamed_away", "orders.tax", True)]),
    ],
)  # fmt: skip
def test_what_old_code_misses(tmp_path: Path, path: str, text: str, facts: list[tuple[str, str, bool]]) -> None:
    answer = asked(answer_old_code, tmp_path, BEFORE, {path: text})
    assert sorted(told(answer)) == sorted(facts), answer
    assert (answer.outcome, answer.examined) == ("fail", 1)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("db/migrations/2.sql", "ALTER TABLE orders ADD COLUMN a int;"),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD COLUMN a int NOT NULL DEFAULT 0;"),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD COLUMN a serial;"),
        ("db/migrations/2.sql", "ALTER TABLE orders ADD COLUMN a int UNIQUE;"),
        ("db/migrations/2.sql", "CREATE TABLE n (a int NOT NULL); CREATE UNIQUE INDEX u ON n (a); CREATE INDEX i ON orders (tax);"),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER tax TYPE bigint; ALTER TABLE orders ALTER note TYPE text;"),
        ("db/migrations/2.sql", "ALTER TABLE orders ALTER paid SET NOT NULL;"),
        ("db/migrations/2.sql", "DROP VIEW sums; CREATE VIEW sums AS SELECT 1;"),
        ("db/migrations/2.sql", "DELETE FROM orders WHERE id = 1;"),
        ("db/migrations/2.sql", "ALTER TYPE mood ADD VALUE 'calm';"),
        (SECOND, django("migrations.AddField('order', 'a', models.IntegerField(null=True))")),
        (SECOND, django("migrations.AddField('order', 'a', models.IntegerField(db_default=0))")),
        (SECOND, django("migrations.AddField('order', 'a', models.ManyToManyField('b'))")),
        (SECOND, django("migrations.AlterField('order', 'tax', models.IntegerField(verbose_name='Tax', help_text='in cents'))")),
        (SECOND, django("migrations.AlterField('order', 'note', models.TextField(null=True))")),
        (SECOND, django("migrations.CreateModel('N', [('a', models.IntegerField())])", "migrations.AddField('n', 'b', models.IntegerField())")),
        (SECOND, django("migrations.AlterModelOptions('order', {'ordering': ['tax']})", "migrations.AddIndex('order', models.Index(fields=['tax'], name='i'))")),
        ("alembic/versions/b.py", alembic("    op.add_column('orders', sa.Column('a', sa.Integer(), nullable=False, server_default='0'))")),
        ("alembic/versions/b.py", alembic("    op.alter_column('orders', 'tax', existing_type=sa.Integer(), nullable=True)")),
        ("alembic/versions/b.py", alembic("    op.create_table('n', sa.Column('a', sa.Integer(), nullable=False))")),
        ("db/migrate/2_a.rb", rails("  def change\n    add_column :orders, :a, :integer, null: false, default: 0\n  end\n")),
        ("db/migrate/2_a.rb", rails("  def change\n    create_table :n do |t|\n      t.string :a, null: false\n    end\n  end\n")),
        ("database/migrations/2_a.php", laravel("Schema::create('n', function (Blueprint $table) { $table->string('a'); });")),
    ],
)  # fmt: skip
def test_what_old_code_does_not_notice(tmp_path: Path, path: str, text: str) -> None:
    answer = asked(answer_old_code, tmp_path, BEFORE, {path: text})
    assert (told(answer), answer.outcome, answer.examined) == ([], "pass", 1), answer


def test_where_the_old_code_names_what_is_gone(tmp_path: Path) -> None:
    before = {**BEFORE, "app/sales.py": "def total(order):\n    return order.tax\n"}
    answer = asked(answer_old_code, tmp_path, before, {"db/migrations/2.sql": "ALTER TABLE orders DROP COLUMN tax;"})
    assert [fact.before for fact in answer.facts] == ["named in app/sales.py:2"]


def test_a_table_is_named_where_its_name_is_no_everyday_word(tmp_path: Path) -> None:
    before = {
        "db/migrations/1.sql": "CREATE TABLE run (id int);",
        "app/a.py": "from .run import start\n# a run\n",
        "app/model.py": "class Run(Base):\n    __tablename__ = 'run'\n",
    }
    answer = asked(answer_old_code, tmp_path, before, {"db/migrations/2.sql": "DROP TABLE run;"})
    assert [fact.before for fact in answer.facts] == ["named in app/model.py:2"]


def test_what_reads_a_column_stands_before_what_a_tool_wrote_of_it(tmp_path: Path) -> None:
    before = {
        **BEFORE,
        "api/gen.pb.go": "// Code generated by protoc. DO NOT EDIT.\n// the order's tax\n",
        "api/service.go": "// an order has a tax\n",
        "api/order_service.go": "// an order has a tax\n",
        "store/order.go": 'const fields = "tax"\n',
    }
    answer = asked(answer_old_code, tmp_path, before, {"db/migrations/2.sql": "ALTER TABLE orders DROP COLUMN tax;"})
    assert [fact.before for fact in answer.facts] == ["named in store/order.go:1"]


def test_what_a_query_makes_anew_may_ask_for_more_than_before(tmp_path: Path) -> None:
    first = "ALTER TABLE orders ADD COLUMN a int;\nALTER TABLE orders ALTER COLUMN a SET NOT NULL;"
    anew = (
        "CREATE TABLE n AS SELECT orders.*, md5(note) AS digest FROM orders;\nDROP TABLE orders;\n"
        "ALTER TABLE n RENAME TO orders;\nALTER TABLE orders ALTER COLUMN paid SET NOT NULL;\n"
    )
    limits = "ALTER TABLE orders ALTER COLUMN digest SET NOT NULL;\nALTER TABLE orders ALTER COLUMN tax SET NOT NULL;"
    after = {"db/migrations/2.sql": first, "db/migrations/3.sql": anew}
    answer = asked(answer_old_code, tmp_path, BEFORE, after | {"db/migrations/4.sql": limits})
    expected = [("not_null", "orders.tax", True), ("required", "orders.a", True), ("required", "orders.digest", True)]
    assert sorted(told(answer)) == expected, answer
    assert next(fact.after for fact in answer.facts if fact.what == "orders.a") == "int, then NOT NULL"
    assert "not known of orders" in str(answer.why)
    loose = asked(answer_old_code, tmp_path / "loose", BEFORE, {"db/migrations/3.sql": anew})
    assert (loose.outcome, told(loose)) == ("not_checked", [])


def test_an_older_version_meets_what_a_newer_one_did(tmp_path: Path) -> None:
    before = {**BEFORE, "db/migrations/2.sql": "ALTER TABLE orders ADD a int NOT NULL;"}
    answer = asked(answer_old_code, tmp_path, before, {"db/migrations/2.sql": None})
    assert told(answer) == [("required", "orders.a", True)]


def test_a_step_told_otherwise_is_not_applied_anew(tmp_path: Path) -> None:
    before = {SECOND: django("migrations.AddField('order', 'a', models.ForeignKey('b', models.CASCADE))")}
    after = {
        SECOND: django("migrations.AddField('order', 'a', models.ForeignKey(to=name(), on_delete=models.CASCADE))")
    }
    assert asked(answer_old_code, tmp_path, before, after).outcome == "pass"


@pytest.mark.parametrize(
    ("before", "after", "why", "settled"),
    [
        (BEFORE, {"a.py": "1\n"}, "no migration changed", True),
        ({}, {"a.py": "1\n"}, "no migration found", True),
        (
            {},
            {"db/migrations/2.sql": "ALTER TABLE elsewhere MODIFY a INT NOT NULL;"},
            "not known of elsewhere.a",
            False,
        ),
    ],
)
def test_what_is_not_checked(tmp_path: Path, before: Files, after: Files, why: str, settled: bool) -> None:
    answer = asked(answer_old_code, tmp_path, before, after)
    assert (answer.outcome, answer.settled, why in str(answer.why)) == ("not_checked", settled, True), answer
