"""Characters for terminals that cannot show all."""

from stabkit.cli.encoding import PLAIN


def test_what_cannot_be_shown_keeps_its_meaning():
    shown = "✗ regressed, −5 % → +2\xa0pp, × 1.2 …, é 漢".encode("ascii", errors=PLAIN)
    assert shown == b"x regressed, -5 % -> +2 pp, x 1.2 ..., \\xe9 \\u6f22"
    assert "✗ é".encode("latin-1", errors=PLAIN) == b"x \xe9"
