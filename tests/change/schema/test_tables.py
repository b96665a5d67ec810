# ruff: noqa: E501 - a case is a line
"""What changes of the tables that files stand for; on repositories built here."""

from __future__ import annotations

from pathlib import Path

import pytest

from stabkit.change.schema import answer_schema
from tests.change.schema.answers import Files, alembic, asked, django

D = "from django.db import models\nclass A(models.Model):\n    b = models.CharField({})\n"
S = "class A(Base):\n    __tablename__ = 'a'\n    b = Column({})\n"
PRISMA = "model A {{\n  id Int @id\n  b {}\n}}\n"


@pytest.mark.parametrize(
    ("path", "before", "after", "facts"),
    [
        ("m.py", D.format("max_length=1"), D.format("max_length=2"), [("changed", "A.b")]),
        ("m.py", D.format("max_length=1"), D.format("max_length=1") + "    c = models.IntegerField()\n", [("added", "A.c")]),
        ("m.py", D.format("max_length=1") + "    c = models.ManyToManyField('B')\n", D.format("max_length=1"), [("removed", "A.c")]),
        ("m.py", "x = 1\n", D.format("max_length=1"), [("added", "A")]),
        ("m.py", D.format("max_length=1"), D.format("max_length=1") + "    class Meta:\n        unique_together = ['b']\n", [("added", "A.Meta.unique_together")]),
        ("m.py", S.format("String(1)"), S.format("String(2)"), [("changed", "A.b")]),
        ("m.py", S.format("String(1)"), S.format("String(1), nullable=False"), [("changed", "A.b")]),
        ("m.py", "class A(Base):\n    b: Mapped[int] = mapped_column()\n", "class A(Base):\n    b: Mapped[str] = mapped_column()\n", [("changed", "A.b")]),
        ("m.py", "t = Table('a', m, Column('b', Integer))\n", "t = Table('a', m, Column('b', String))\n", [("changed", "a.b")]),
        ("m.py", "class A(SQLModel, table=True):\n    b: int\n", "class A(SQLModel, table=True):\n    b: int\n    c: str = Field(max_length=3)\n", [("added", "A.c")]),
        ("m.py", "class A(peewee.Model):\n    b = peewee.CharField()\n", "class A(peewee.Model):\n    b = peewee.TextField()\n", [("changed", "A.b")]),
        ("m.py", "class A(Document):\n    b = StringField()\n", "class A(Document):\n    b = IntField()\n", [("changed", "A.b")]),
        ("prisma/schema.prisma", PRISMA.format("Int"), PRISMA.format("String"), [("changed", "A.b")]),
        ("prisma/schema.prisma", "enum E {\n  X\n  Y\n}\n", "enum E {\n  X\n}\n", [("removed", "E.Y")]),
        ("db/schema.rb", 'create_table "a" do |t|\n  t.string "b"\nend\n', 'create_table "a" do |t|\n  t.string "b", null: false\nend\n', [("changed", "a.b")]),
        ("db/structure.sql", "CREATE TABLE a (b int);", "CREATE TABLE a (b int, c int);", [("added", "a.c")]),
        ("src/a.entity.ts", "@Entity()\nexport class A {\n  @Column()\n  b: string;\n}\n", "@Entity()\nexport class A {\n  @Column({ nullable: true })\n  b: string;\n}\n", [("changed", "A.b")]),
        ("src/schema.ts", "export const a = pgTable('a', {\n  b: text('b'),\n});\n", "export const a = pgTable('a', {\n  b: text('b').notNull(),\n});\n", [("changed", "a.b")]),
        ("A.java", "@Entity\npublic class A {\n  @Id\n  private Long id;\n}\n", "@Entity\npublic class A {\n  @Id\n  private Long id;\n  private String b;\n}\n", [("added", "A.b")]),
        ("a.go", 'type A struct {\n\tB string `gorm:"size:1"`\n}\n', 'type A struct {\n\tB string `gorm:"size:2"`\n}\n', [("changed", "A.B")]),
        ("lib/a.ex", 'defmodule A do\n  schema "a" do\n    field :b, :string\n  end\nend\n', 'defmodule A do\n  schema "a" do\n    field :b, :integer\n  end\nend\n', [("changed", "a.b")]),
        ("src/schema.rs", "diesel::table! {\n    a (id) {\n        id -> Int4,\n    }\n}\n", "diesel::table! {\n    a (id) {\n        id -> Int8,\n    }\n}\n", [("changed", "a.id")]),
        ("app/migrations/0002_a.py", None, django("migrations.AddIndex('a', i)"), [("added", "0002_a.py")]),
        ("alembic/versions/b.py", alembic("    op.drop_table('a')"), None, [("removed", "b.py")]),
    ],
)  # fmt: skip
def test_what_changes_of_tables(
    tmp_path: Path, path: str, before: str | None, after: str | None, facts: list[tuple[str, str]]
) -> None:
    answer = asked(answer_schema, tmp_path, {} if before is None else {path: before}, {path: after})
    assert [(fact.change, fact.what) for fact in answer.facts] == facts, answer
    assert (answer.outcome, answer.examined) == ("fail", 1)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"m.py": D.format("max_length=1")}, {"m.py": D.format("'Label', max_length=1, help_text='words', default='x'")}),
        ({"m.py": D.format("max_length=1")}, {"m.py": D.format("max_length=1") + "    def f(self):\n        return 1\n"}),
        ({"m.py": D.format("max_length=1")}, {"m.py": None, "shop/models.py": D.format("max_length=1")}),
        ({"m.py": S.format("String(1)")}, {"m.py": S.format("String(1), default=f, doc='words'") + "    c = relationship('C')\n"}),
        ({"m.py": D.format("max_length=1")}, {"forms.py": "class F(forms.ModelForm):\n    b = forms.CharField()\n"}),
        ({"m.py": D.format("max_length=1")}, {"api.py": "class F(serializers.ModelSerializer):\n    b = serializers.CharField()\n"}),
        ({"m.py": D.format("max_length=1")}, {"api.py": "class F(BaseModel):\n    b: int = Field(1)\n"}),
        ({"m.py": D.format("max_length=1")}, {"api.py": "@dataclass\nclass F:\n    b: int = field(default=1)\n"}),
        ({"m.py": D.format("max_length=1")}, {"queries/a.sql": "SELECT * FROM a;\n"}),
        ({"m.py": D.format("max_length=1")}, {"a.proto": 'syntax = "proto3";\nmessage A { int32 b = 1; }\n'}),
        ({"s.prisma": PRISMA.format("Int")}, {"s.prisma": "// words\n" + PRISMA.format("Int")}),
        ({"app/migrations/0002_a.py": django("migrations.DeleteModel('A')")}, {"app/migrations/0002_a.py": "# words\n" + django("migrations.DeleteModel('A')")}),
    ],
)  # fmt: skip
def test_what_never_reaches_the_database(tmp_path: Path, before: Files, after: Files) -> None:
    answer = asked(answer_schema, tmp_path, before, after)
    assert (answer.facts, answer.outcome) == ((), "pass"), answer
    assert answer.examined


def test_models_are_known_by_their_bases_in_other_files(tmp_path: Path) -> None:
    before = {"base.py": "class Named(models.Model):\n    name = models.TextField()\n", "m.py": "class A(Named):\n    b = CharField()\n"}  # fmt: skip
    answer = asked(answer_schema, tmp_path, before, {"m.py": "class A(Named):\n    b = TextField()\n"})
    assert [(fact.what, fact.line, fact.before, fact.after) for fact in answer.facts] == [("A.b", 2, "CharField()", "TextField()")]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "why", "settled"),
    [
        ({"a.py": "1\n"}, {"a.py": "2\n"}, "no model, migration or schema file was found", True),
        ({"m.py": D.format("max_length=1")}, {"m.py": "class A(models.Model:\n    models.CharField\n"}, "m.py", False),
    ],
)
def test_what_is_not_checked(tmp_path: Path, before: Files, after: Files, why: str, settled: bool) -> None:
    answer = asked(answer_schema, tmp_path, before, after)
    assert (answer.outcome, answer.settled, why in str(answer.why)) == ("not_checked", settled, True), answer


def test_hostile_files_are_answered(tmp_path: Path) -> None:
    texts = (
        b"\xff\xfe",
        b"models.CharField(" * 30_000,
        b"class A(models.Model):\n    b = " + b"-" * 30_000 + b"models.CharField()\n",
        b"create table a (" * 20_000,
        b"model A {\n" * 50_000,
        b"@Entity\nclass A {\n" + b"@Column(" * 40_000,
        b"pgTable('a', {\n" + b"@a " * 100_000,
        b'type A struct {\n gorm:"' + b"x" * 300_000,
    )
    names = ("a.py", "a.sql", "a.prisma", "a.ts", "schema.ts", "a.java", "a.go", "schema.rb", "a.ex", "a.php")
    files = {f"f{number}/{name}": text for number, text in enumerate(texts) for name in names}
    answer = asked(answer_schema, tmp_path, {}, files)
    assert answer.outcome in ("pass", "fail", "not_checked")
    answer.row()


OWN = "from pydantic import BaseModel\n\nclass Model(BaseModel):\n    x: int = 1\n"


@pytest.mark.parametrize(
    ("base", "model", "facts"),
    [
        ({"base.py": OWN}, "from base import Model\nclass A(Model):\n    b: int = Field({})\n", []),
        ({"base.py": OWN}, "from django.db import models\nclass A(models.Model):\n    b = models.CharField({})\n", [("changed", "A.b")]),
        ({"base.py": OWN}, "from django.db.models import Model, CharField\nclass A(Model):\n    b = CharField({})\n", [("changed", "A.b")]),
        ({"base.py": "class BaseModel(models.Model):\n    pass\n"}, "class A(BaseModel):\n    b = models.CharField({})\n", [("changed", "A.b")]),
        ({"base.py": "from peewee import Model\nclass BaseModel(Model):\n    pass\n"}, "class A(BaseModel):\n    b = CharField({})\n", [("changed", "A.b")]),
        ({"base.py": "class BaseModel(models.Model):\n    pass\n"}, "from pydantic import (\n    BaseModel,  # not ours\n    Field,\n)\nclass A(BaseModel):\n    b: int = Field({})\n", []),
    ],
)  # fmt: skip
def test_a_base_is_what_the_repository_says_it_is(
    tmp_path: Path, base: Files, model: str, facts: list[tuple[str, str]]
) -> None:
    start = {
        **base,
        "keep.py": D.format("max_length=1").replace("class A", "class K"),
        "m.py": model.format("max_length=1"),
    }
    found = asked(answer_schema, tmp_path, start, {"m.py": model.format("max_length=2")})
    assert [(fact.change, fact.what) for fact in found.facts] == facts


@pytest.mark.parametrize(
    ("path", "text", "did", "line"),
    [
        ("alembic/versions/b.py", alembic("    op.drop_index('i', table_name='a')\n    op.create_index('j', 'a', ['b'])"), "drop index, create index", 8),
        ("db/migrations/2.sql", "-- moves; all\nUPDATE a SET b = 1;\n/* x; DROP */\nCREATE INDEX  i ON a (b);\nUPDATE a SET c = 2;\n", "update rows a.b, update rows a.c, create index", 2),
        ("shop/migrations/0002_a.py", django("migrations.AlterModelOptions('order', {'ordering': ['tax']})"), "alter model options", 6),
    ],
)  # fmt: skip
def test_a_migration_that_changes_no_column_says_what_it_does(
    tmp_path: Path, path: str, text: str, did: str, line: int
) -> None:
    found = asked(answer_schema, tmp_path, {"m.py": D.format("max_length=1")}, {path: text})
    assert [(fact.after, fact.line) for fact in found.facts] == [(did, line)]
