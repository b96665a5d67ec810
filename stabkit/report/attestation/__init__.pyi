from .pages import Attested as Attested, read_attested as read_attested, with_statement as with_statement
from .resigning import sign_report as sign_report
from .signatures import private_key as private_key, public_key as public_key
from .verifying import Finding as Finding, Verification as Verification, verify_page as verify_page
