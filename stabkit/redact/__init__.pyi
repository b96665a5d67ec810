from .addresses import redact_url as redact_url, url_secrets as url_secrets
from .evidence import redact_evidence as redact_evidence
from .forms import FORM_STARTS as FORM_STARTS, FORMS as FORMS, MIXED_FORMS as MIXED_FORMS
from .masking import redact_text as redact_text
from .names import MASK as MASK, is_secret_name as is_secret_name
from .nested import redact_json as redact_json, redact_notebook as redact_notebook, redact_values as redact_values
from .values import (
    forget as forget,
    masked_values as masked_values,
    remember as remember,
    remember_environment as remember_environment,
    secret_parts as secret_parts,
    secrets_within as secrets_within,
)
