"""The settings that code asks Django for by name, and the modules that give them.

A setting is told as ``settings.NAME``. Those that Django itself knows are left out: it has a value for each, and the
checklist's line on configuration tells what a project's settings say.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.environment.python.bindings import Names, literal
from stabkit.change.environment.uses import REQUIRED, Use

__all__ = ["SETTINGS", "is_settings_module", "settings_asked", "settings_given"]

SETTINGS: Final = "settings."
_OBJECT: Final = "django.conf.settings"
_MODULE: Final = re.compile(r"(^|/)(\w*_)?settings(_\w+)?\.py$|(^|/)settings/\w+\.py$")
_NAME: Final = re.compile(r"[A-Z][A-Z0-9_]+")
# https://docs.djangoproject.com/en/stable/ref/settings/
_OWN: Final = re.compile(
    r"ABSOLUTE_URL_OVERRIDES|ADMINS|ALLOWED_HOSTS|APPEND_SLASH|AUTH_\w+|AUTHENTICATION_BACKENDS|BASE_DIR|CACHES|CACHE_\w+|"
    r"CONN_MAX_AGE|CSRF_\w+|DATABASES|DATABASE_ROUTERS|DATA_UPLOAD_\w+|DATETIME_\w+|DATE_\w+|DEBUG|DEBUG_\w+|DECIMAL_\w+|"
    r"DEFAULT_\w+|DISALLOWED_\w+|EMAIL_\w+|FILE_\w+|FIRST_DAY_OF_WEEK|FIXTURE_DIRS|FORCE_SCRIPT_NAME|FORMAT_\w+|FORMS_\w+|"
    r"FORM_RENDERER|IGNORABLE_\w+|INSTALLED_APPS|INTERNAL_IPS|LANGUAGES\w*|LANGUAGE_\w+|LOCALE_PATHS|LOGGING\w*|LOGIN_\w+|"
    r"LOGOUT_\w+|MANAGERS|MEDIA_\w+|MESSAGE_\w+|MIDDLEWARE|MIGRATION_MODULES|MONTH_DAY_FORMAT|NUMBER_GROUPING|PASSWORD_\w+|"
    r"PREPEND_WWW|ROOT_URLCONF|SECRET_KEY\w*|SECURE_\w+|SERVER_EMAIL|SESSION_\w+|SETTINGS_MODULE|SHORT_\w+|SIGNING_BACKEND|"
    r"SILENCED_SYSTEM_CHECKS|SITE_ID|STATIC_\w+|STATICFILES_\w+|STORAGES|TEMPLATES|TEST_\w+|THOUSAND_SEPARATOR|TIME_\w+|"
    r"URLIZE_\w+|USE_\w+|WSGI_APPLICATION|X_FRAME_OPTIONS|YEAR_MONTH_FORMAT"
)


def is_settings_module(path: str) -> bool:
    """Say whether a file is called as modules of settings are.

    Examples
    --------
    >>> [is_settings_module(path) for path in ("shop/settings.py", "shop/settings/base.py", "shop/views.py")]
    [True, True, False]
    """
    return _MODULE.search(path) is not None


def settings_asked(names: Names) -> list[Use]:
    """Return the settings that a file asks Django for, each with the default that it falls back to."""
    every = ((use, use.name.removeprefix(SETTINGS)) for use in _asked(names))
    return [use for use, name in every if _NAME.fullmatch(name) and not _OWN.fullmatch(name)]


def settings_given(tree: ast.Module) -> list[Use]:
    """Return the settings that a module of settings gives a value, also behind a condition."""
    found: list[Use] = []
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        if isinstance(node, ast.If | ast.Try | ast.With):
            waiting += [inner for inner in ast.iter_child_nodes(node) if isinstance(inner, ast.stmt)]
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name) and _NAME.fullmatch(target.id)]
        found += [Use(SETTINGS + name, node.lineno, literal(node.value)) for name in names if not _OWN.fullmatch(name)]
    return found


def _asked(names: Names) -> Iterator[Use]:
    for node in names.nodes:
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            if names.resolved(node.value) == _OBJECT:
                yield Use(SETTINGS + node.attr, node.lineno, REQUIRED)
        elif isinstance(node, ast.Call) and len(node.args) > 1 and names.resolved(node.args[0]) == _OBJECT:
            default = literal(node.args[2]) if len(node.args) > 2 else REQUIRED
            default = {"getattr": default, "hasattr": None}.get(names.resolved(node.func), default)
            for text in names.texts(node.args[1]) or ():
                yield Use(SETTINGS + text, node.lineno, default)
