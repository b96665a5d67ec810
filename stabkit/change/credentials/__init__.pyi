from .added import answer_credentials as answer_credentials
from .kinds import holds_secret as holds_secret, secrets_in as secrets_in
