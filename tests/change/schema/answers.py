# ruff: noqa: E501 - a case is a line
"""What a line of the checklist answers for two states of a repository built here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from stabkit.change.facts import Answer
from stabkit.change.git import Git
from stabkit.change.ranges import read_changes
from stabkit.change.snapshots import Snapshots
from tests.change.repositories import Repository

Files = Mapping[str, str | bytes | None]


def asked(line: Callable[[Snapshots], Answer], folder: Path, before: Files, after: Files) -> Answer:
    """Return the answer of a line for a change from some files to others."""
    repository = Repository(folder / "repo")
    base = repository.write("before", {"README.md": "words\n", **before})
    head = repository.write("after", dict(after))
    git = Git(repository.folder)
    return line(Snapshots(git, base, head, read_changes(git, base, head)))


def told(answer: Answer) -> list[tuple[str, str, bool]]:
    """Return the facts of an answer in short: what happened, to what, and whether it is proven."""
    return [(fact.change, fact.what, fact.proven) for fact in answer.facts]


def django(*operations: str, extra: str = "") -> str:
    """Return a Django migration that does some operations."""
    body = "".join(f"        {one},\n" for one in operations)
    head = "from django.db import migrations, models\n"
    return f"{head}{extra}\n\nclass Migration(migrations.Migration):\n    operations = [\n{body}    ]\n"


def alembic(up: str, down: str = "    op.drop_table('undo')\n") -> str:
    """Return an Alembic migration with both its ways."""
    head = "import sqlalchemy as sa\nfrom alembic import op\nrevision = 'b'\ndown_revision = 'a'\n"
    return f"{head}\n\ndef upgrade():\n{up}\n\ndef downgrade():\n{down}"


def rails(body: str) -> str:
    """Return a Rails migration."""
    return f"class Change < ActiveRecord::Migration[7.1]\n{body}end\n"


def knex(up: str, down: str = "knex.schema.dropTable('undo');") -> str:
    """Return a migration of knex."""
    return f"exports.up = async function (knex) {{\n{up}\n}};\nexports.down = async function (knex) {{\n{down}\n}};\n"


def typeorm(up: str, down: str = "await queryRunner.dropTable('undo');") -> str:
    """Return a migration of TypeORM."""
    return (
        "export class Change1 implements MigrationInterface {\n  public async up(queryRunner: QueryRunner): "
        f"Promise<void> {{\n    {up}\n  }}\n  public async down(queryRunner: QueryRunner): Promise<void> {{\n    {down}\n  }}\n}}\n"
    )


def laravel(up: str, down: str = "Schema::dropIfExists('undo');") -> str:
    """Return a migration of Laravel."""
    return (
        "<?php\nreturn new class extends Migration {\n  public function up(): void\n  {\n"
        f"    {up}\n  }}\n  public function down(): void\n  {{\n    {down}\n  }}\n}};\n"
    )


def entity(up: str, down: str = 'migrationBuilder.DropTable(name: "Undo");') -> str:
    """Return a migration of Entity Framework."""
    return (
        "public partial class Change : Migration\n{\n  protected override void Up(MigrationBuilder migrationBuilder)\n  {\n"
        f"    {up}\n  }}\n  protected override void Down(MigrationBuilder migrationBuilder)\n  {{\n    {down}\n  }}\n}}\n"
    )


def changelog(change: str, rollback: str = "") -> str:
    """Return a change log of Liquibase in XML."""
    return (
        '<?xml version="1.0"?>\n<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog">\n'
        f'  <changeSet id="1" author="a">\n    {change}\n    {rollback}\n  </changeSet>\n</databaseChangeLog>\n'
    )
