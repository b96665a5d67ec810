from .published import RESULTS as RESULTS, result_schema as result_schema
