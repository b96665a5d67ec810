"""The forms that keys and tokens of known providers have."""

from __future__ import annotations

from typing import Final

__all__ = ["FORMS", "FORM_STARTS", "MIXED_FORMS"]

# Each form is its provider's own: what has it is one, unless it stands for an example.
FORMS: Final[tuple[tuple[str, str], ...]] = (
    ("AWS access key", r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    ("AWS secret key", r"(?i:aws_?secret_?(?:access_?)?key)[\"']?\s*[:=]\s*[\"']?([A-Za-z0-9/+=]{40})\b"),
    ("GitHub token", r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{22,}"),
    ("GitLab token", r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas)-[A-Za-z0-9_.-]{18,}"),
    ("Slack token", r"\bxox[abceoprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}"),
    ("Slack webhook", r"hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/_-]{20,}"),
    ("Stripe key", r"\b(?:sk|rk)_live_[A-Za-z0-9]{16,}|\bwhsec_[A-Za-z0-9+/=]{24,}"),
    ("Google key", r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])|\bGOCSPX-[A-Za-z0-9_-]{24,}|\bya29\.[A-Za-z0-9_-]{30,}"),
    ("Azure key", r"\b(?:Account|SharedAccess)Key=[A-Za-z0-9+/]{40,}={0,2}|(?<![\w~.-])[\w~.-]{3}[78]Q~[\w~.-]{31,34}"),
    ("npm token", r"\bnpm_[A-Za-z0-9]{30,}|:_authToken=[A-Za-z0-9_-]{20,}"),
    ("PyPI token", r"\bpypi-AgE[A-Za-z0-9_-]{16,}"),
    ("SendGrid key", r"\bSG\.[\w-]{16,}\.[\w-]{16,}"),
    ("Twilio key", r"\bSK[0-9a-f]{32}\b"),
    ("Anthropic key", r"\bsk-ant-[\w-]{20,}"),
    ("OpenAI key", r"(?<![\w-])sk-(?!ant-)(?:proj-|svcacct-|admin-|or-v1-)?[A-Za-z0-9_-]{20,}"),
    ("Hugging Face token", r"\bhf_[A-Za-z0-9]{30,}"),
    ("Telegram token", r"(?<![\w:])\d{8,10}:AA[\w-]{30,35}(?![\w-])"),
    ("Discord token", r"(?<![\w.-])[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])"),
    ("Discord webhook", r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{20,}"),
    ("Mailgun key", r"\bkey-[0-9a-f]{32}\b"),
    ("Mailchimp key", r"\b[0-9a-f]{32}-us\d{1,2}\b"),
    ("DigitalOcean token", r"\bdo[opr]_v1_[0-9a-f]{40,}"),
    ("Databricks token", r"\bdapi[0-9a-f]{32}"),
    ("Vault token", r"\bhv[sbr]\.[\w-]{20,}"),
    ("age key", r"\bAGE-SECRET-KEY-1[0-9A-Z]{40,}"),
    ("Shopify token", r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}"),
    ("Square token", r"\bsq0(?:atp|csp)-[\w-]{22,}"),
    ("Docker token", r"\bdckr_pat_[\w-]{20,}"),
    ("Atlassian token", r"\bATATT3[\w=-]{30,}"),
    ("Grafana token", r"\bgl(?:sa|c)_[\w+/=]{30,}"),
    ("Sentry token", r"\bsntry[su]_[\w+/=-]{30,}"),
    ("New Relic key", r"\bNRAK-[A-Z0-9]{27}"),
    ("Linear key", r"\blin_api_[A-Za-z0-9]{30,}"),
    ("Notion token", r"\bntn_[A-Za-z0-9]{30,}"),
    ("Postman key", r"\bPMAK-[0-9a-f]{24}-[0-9a-f]{30,}"),
    ("RubyGems key", r"\brubygems_[0-9a-f]{48}"),
    ("Heroku key", r"\bHRKU-[\w-]{30,}"),
    ("Doppler token", r"\bdp\.(?:pt|st|ct|sa)\.[A-Za-z0-9_.]{40,}"),
    ("Supabase token", r"\bsbp_[0-9a-f]{40}"),
    ("Groq key", r"\bgsk_[A-Za-z0-9]{40,}"),
    ("Replicate token", r"\br8_[A-Za-z0-9]{30,}"),
    ("Alibaba key", r"\bLTAI[A-Za-z0-9]{16,20}\b"),
    ("Terraform token", r"\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}"),
    ("PlanetScale token", r"\bpscale_(?:tkn|pw|oauth)_[\w.-]{30,}"),
)  # fmt: skip
"""Kind of secret, and the regular expression that finds it; a group, if any, is the secret itself."""

FORM_STARTS: Final = (
    r"AKIA|ASIA|ABIA|ACCA|(?i:aws_?secret)|gh[pousr]_|github_pat_|gl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|imt|oas)-|xox[abceoprs]-|xapp-|hooks\.slack|[sr]k_live_|whsec_|AIza|GOCSPX-|ya29\.|Key=|[78]Q~|npm_|_authToken|pypi-|SG\.|SK[0-9a-f]{32}|"
    r"sk-|hf_|:AA|\b[MNO][\w-]{23,27}\.|api/webhooks|key-[0-9a-f]{32}|-us\d|do[opr]_v1_|dapi|hv[sbr]\.|AGE-SEC|shp(?:at|ca|pa|ss)_|sq0|dckr_|ATATT3|gl(?:sa|c)_|sntry|NRAK|lin_api|ntn_|PMAK|rubygems_|HRKU|dp\.|sbp_|gsk_|r8_|LTAI|atlasv1|pscale_"
)
"""A text that matches this nowhere holds no secret of these forms: it needs no closer look."""

MIXED_FORMS: Final = frozenset({"OpenAI key", "Azure key", "Slack token", "Discord token"})
"""Kinds whose form alone fits a long name too: only with letters and digits is it one."""
