from .compared import answer_contracts as answer_contracts
