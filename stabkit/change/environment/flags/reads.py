"""The feature flags that code asks for or defines: calls of the known services, and settings named after flags."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from stabkit.change.environment.code_reads import language, without_comments
from stabkit.change.environment.flags.files import BUNDLES
from stabkit.change.environment.python import Names, literal
from stabkit.change.environment.uses import Use
from stabkit.change.python_code import dotted

__all__ = ["code_flags", "may_name_flags", "python_flags"]

# The calls of services and libraries, by where the name of the flag and its default stand among the arguments.
_VALUES: Final = """
BooleanValue StringValue IntValue FloatValue ObjectValue get_boolean_value get_string_value get_integer_value
get_float_value get_object_value get_boolean_details get_string_details get_integer_details get_float_details
get_object_details getBooleanValue getStringValue getNumberValue getObjectValue getIntegerValue getDoubleValue
getBooleanDetails getStringDetails getNumberDetails getObjectDetails useBooleanFlagValue useStringFlagValue
useNumberFlagValue useObjectFlagValue useBooleanFlagDetails useStringFlagDetails useNumberFlagDetails
GetBooleanValueAsync fetch_boolean_value fetch_string_value fetch_number_value get_feature_value getFeatureValue
useFeatureValue
"""
_VARIATIONS: Final = """
variation variation_detail boolVariation stringVariation intVariation doubleVariation jsonVariation jsonValueVariation
bool_variation bool_variation_detail string_variation BoolVariation StringVariation IntVariation Float64Variation
JSONVariation useVariation BoolVariationDetail boolVariationDetail
"""
_STATES: Final = """
is_feature_enabled isFeatureEnabled feature_enabled featureEnabled IsFeatureEnabled hasFeature has_feature
get_feature_flag getFeatureFlag isFlagEnabled is_flag_enabled flag_enabled flagEnabled useFlag useFlags useFeatureFlag
useFeature useFeatureIsOn useFeatureFlagEnabled useFeatureFlagVariantKey useFlagValue useGate useExperiment
useFeatureGate getTreatment get_treatment useTreatment checkGate check_gate CheckGate getExperiment isOn is_on is_off
isOff getFeature feature_is_on isToggleEnabled useToggle useFlagsmith onFlag flag_state feature_active
"""
_WAFFLE: Final = "switch_is_active sample_is_active waffle_flag waffle_switch override_flag override_switch"
_CALLS: Final[dict[str, tuple[int, int | None]]] = {
    **dict.fromkeys(_VALUES.split(), (0, 1)),
    **dict.fromkeys(_VARIATIONS.split(), (0, 2)),
    **dict.fromkeys(_STATES.split(), (0, 1)),
    **dict.fromkeys(_WAFFLE.split(), (0, None)),
    "flag_is_active": (1, None),
}
_METHODS: Final = """
is_enabled isEnabled IsEnabled enabled enabled? get_value getValue get_value_async getValueAsync GetValue get_variant
getVariant is_active active isActive
"""
_CALLS_OF_OWNER: Final = frozenset(_METHODS.split())
_ENABLED: Final = frozenset({"is_enabled", "isEnabled", "IsEnabled", "get_variant", "getVariant"})
_OWNERS: Final = re.compile(
    r"(?i)unleash|flag|feature|flipper|toggle|configcat|waffle|growthbook|launchdarkly|\bldclient|ld_client|split|pennant|rollout|experiment"
)
_SETTING: Final = re.compile(
    r"(?:FEATURE|FEATURES|ENABLE|ENABLED|DISABLE|FLAG|FF|TOGGLE|SWITCH|EXPERIMENT|USE_NEW)_[A-Z0-9_]+|[A-Z0-9_]+_(?:FEATURE|FLAG|ENABLED|TOGGLE)|(?:IS_)?[A-Z0-9_]+_ENABLED"
)
_Q: Final = r"[\"'`]"
_D: Final = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|[\w.+-]+)"""
_NAMED: Final = "|".join(sorted(map(re.escape, _CALLS), key=len, reverse=True))
_OWNED: Final = "|".join(sorted(map(re.escape, _CALLS_OF_OWNER), key=len, reverse=True))
_CODE_CALL: Final = re.compile(rf"(?<![\w$])({_NAMED})(?:<[^>\n]*>)?\(\s*([^\n;]*)")
_OWNED_CALL: Final = re.compile(
    rf"(?:\.|::|->|"
    rf"\?\.)({_OWNED})(?:<[^>\n]*>)?\(?\s*(:?{_Q}?[\w./:-]+{_Q}?)([^\n;]*)"
)
_OWNER: Final = re.compile(r"[\w$.@:>()?-]+$")
_SETTING_CODE: Final = re.compile(
    rf"\b((?:FEATURE|ENABLE|FLAG|TOGGLE)_[A-Z0-9_]+)\b(?:\s*:\s*\w+)?\s*:?=(?!=|>)\s*{_D}"
)
_NAME: Final = re.compile(rf"^\s*(?::?{_Q}([^\"'`\n]+){_Q}|:(\w+))$")
_MOST: Final = 2_000
_SERVICES: Final = re.compile(
    r"(?i)unleash|flagsmith|open-?feature|launchdarkly|ldclient|ld_?client|growthbook|configcat|splitio|flipper|flagd|statsig|posthog|pennant|eppo|flipt|\bflags?\b|feature"
)

_WORDS: Final = (
    b"lag",
    b"eature",
    b"ariation",
    b"_value(",
    b"Value(",
    b"_details(",
    b"Details(",
    b"witch_is",
    b"ample_is",
    b"ENABLE",
    b"oggle",
    b"TOGGLE",
    b"FLAG",
    b"FEATURE",
    b"nleash",
    b"Gate(",
    b"_gate(",
    b"reatment",
    b"Flipper",
    b"s_enabled(",
    b"sEnabled(",
    b".isOn(",
    b".is_on(",
    b"xperiment",
    b"FF_",
)
_HINT: Final = re.compile(
    rb"(?:[lL]ag|eature|ariation\w*|_(?:value|details)|(?:Value|Details)|witch_is|ample_is|rowth|nleash|Gate|_gate|reatment|oggle|xperiment|onfig_?[cC]at|\.(?:is_?[eE]nabled|is_?[oO]n|is_?[oO]ff))\w*"
    rb"(?:[.:]{1,2}(?i:is_?enabled|enabled\??|get_?value|get_?variant|is_?active|active|is_?feature_?enabled|bool\w*|string\w*|int\w*|variation))?(?:<[^>\n]*>)?\(\s*(?:\w+\s*[,=]\s*)?[\"'`:]|\bFlipper\b"
)
_SET_HINT: Final = re.compile(
    rb"\b(?:FEATURE|ENABLE|FLAG|FF|TOGGLE|FEATURES|FLAGS|TOGGLES)\w*\s*[:=]|_(?:ENABLED|FLAG|FEATURE|TOGGLE)\s*[:=]|(?i:features|flags|toggles|experiments)\s*[:=]"
)


def may_name_flags(content: bytes, *, settings: bool = False) -> bool:
    """Say whether a file holds what stands in every file that names a flag.

    Examples
    --------
    >>> may_name_flags(b'client.is_enabled("new-ui")'), may_name_flags(b"flag = 1")
    (True, False)
    """
    if settings and _SET_HINT.search(content):
        return True
    return any(word in content for word in _WORDS) and _HINT.search(content) is not None


def python_flags(tree: ast.Module, *, settings: bool) -> list[Use]:
    """Return the flags that a Python file asks for, with their defaults; of a module of settings, those it defines."""
    names = Names(tree)
    found: list[Use] = []
    for node in names.nodes:
        if isinstance(node, ast.Call):
            found += _called(node, names)
    if settings:
        found += _defined(tree.body)
    return found


def _called(node: ast.Call, names: Names) -> Iterator[Use]:
    whole = dotted(node.func) or (node.func.attr if isinstance(node.func, ast.Attribute) else "")
    owner, _, method = whole.rpartition(".")
    owner = owner or ("()" if isinstance(node.func, ast.Attribute) else "")  # what a call returns
    places = _CALLS.get(method)
    source = names.made.get(owner, names.imported.get(owner or whole, ""))
    known = _OWNERS.search(f"{owner} {source}") or (owner and method in _ENABLED and _served(names))
    if places is None and method in _CALLS_OF_OWNER and known:
        places = (0, 1 if "alue" in method else None)
    if places is None or (method in ("variation", "isOn", "is_on", "is_off") and not owner):
        return
    place, default_place = places
    words = {word.arg: word.value for word in node.keywords if word.arg}
    first = (
        node.args[place]
        if len(node.args) > place
        else next(
            (
                words[word]
                for word in ("flag_key", "key", "flag_name", "feature_name", "feature_key", "name", "flag")
                if word in words
            ),
            None,
        )
    )
    given = next(
        (
            words[w]
            for w in ("default_value", "default", "fallback", "default_variation", "fallback_value")
            if w in words
        ),
        None,
    )
    if given is None and default_place is not None and len(node.args) > default_place:
        given = node.args[default_place]
    if default_place == 1 and "alue" not in method and not isinstance(getattr(given, "value", None), bool):
        given = None  # whom it is asked for, not what it falls back to
    for text in names.texts(first) or ():
        yield Use(text, node.lineno, literal(given))


def _served(names: Names) -> bool:
    return any(_SERVICES.search(source) for source in names.imported.values())


def _defined(body: list[ast.stmt]) -> Iterator[Use]:
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield from _defined(node.body)
        target = getattr(node, "target", None) or next(iter(getattr(node, "targets", ())), None)
        value = getattr(node, "value", None)
        if not isinstance(target, ast.Name) or value is None:
            continue
        if isinstance(value, ast.Dict) and BUNDLES.fullmatch(target.id):
            for key, inner in zip(value.keys, value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield Use(key.value, key.lineno, literal(inner))
        elif _SETTING.fullmatch(target.id):
            yield Use(target.id, node.lineno, literal(value))


def code_flags(path: str, text: str) -> list[Use]:
    """Return the flags that a file in another language asks for or defines; by pattern alone."""
    known = language(path)
    if known is None or known == "shell":
        return []
    text = without_comments(text, hashed=known in ("ruby", "elixir"))
    found = []
    for match in _CODE_CALL.finditer(text):
        place, default_place = _CALLS[match[1]]
        arguments = _split(match[2])
        # In Go and .NET the context comes first.
        start = next((n for n, a in enumerate(arguments[:2]) if n >= place and _NAME.match(a)), None)
        name = _NAME.match(arguments[start]) if start is not None else None
        if name is None or start is None:
            continue
        at = start + (default_place or 0)
        default = arguments[at].strip() if default_place is not None and at < len(arguments) else None
        if default is not None and re.fullmatch(_D, default) is None:
            default = None
        if (
            default is not None
            and "alue" not in match[1]
            and "ariation" not in match[1]
            and default not in ("true", "false")
        ):
            default = None
        found.append(_use(name[1] or name[2], text, match.start(), default))
    served = (
        re.search(rf"(?:import|require|use|using|from)\b[^\n]*?(?:{_SERVICES.pattern[4:]})", text, re.IGNORECASE)
        is not None
    )
    for match in _OWNED_CALL.finditer(text):
        name = _NAME.match(match[2])
        if name is None:
            continue
        owner = _OWNER.search(text[max(0, match.start() - 60) : match.start()])
        if owner is not None and (_OWNERS.search(owner[0]) or (served and match[1] in _ENABLED)):
            arguments = _split(match[3].lstrip(", "))
            default = arguments[0].strip() if "alue" in match[1] and arguments else None
            found.append(
                _use(
                    name[1] or name[2], text, match.start(), default if default and re.fullmatch(_D, default) else None
                )
            )
    found.extend(_use(match[1], text, match.start(1), match[2]) for match in _SETTING_CODE.finditer(text))
    return found


def _use(name: str, text: str, at: int, default: str | None) -> Use:
    plain = default[1:-1] if default and default[0] in "\"'`" and default[-1] == default[0] else default
    return Use(name, text.count("\n", 0, at) + 1, plain, proven=False)


def _split(text: str) -> list[str]:
    """Return the arguments of a call, as far as its line goes."""
    parts: list[str] = []
    depth, quote, start = 0, "", 0
    for at, sign in enumerate(text[:_MOST]):
        if quote:
            quote = "" if sign == quote else quote
        elif sign in "\"'`":
            quote = sign
        elif sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
            if depth < 0:
                return [*parts, text[start:at]]
        elif sign == "," and depth == 0:
            parts.append(text[start:at])
            start = at + 1
    return [*parts, text[start:]]
