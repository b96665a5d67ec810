from .acceptances import acceptance_state as acceptance_state, accepted_until_text as accepted_until_text
from .backtested import (
    alarms_text as alarms_text,
    carried_text as carried_text,
    caught_words as caught_words,
    least_text as least_text,
)
from .backtested import left_out_texts as left_out_texts
from .backtested import margin_now_text as margin_now_text, pair_source_text as pair_source_text
from .backtested import plant_label as plant_label, plant_text as plant_text, quantity_name as quantity_name
from .backtested import short_runs_text as short_runs_text
from .backtested import tight_text as tight_text, trust_texts as trust_texts
from .steps import Advice as Advice, change_advice as change_advice
from .change_facts import changed_facts_text as changed_facts_text, fact_name as fact_name, fact_text as fact_text
from .decision import decision_text as decision_text, ship_text as ship_text
from .estimates import change_text as change_text, failures_text as failures_text
from .estimates import headroom_text as headroom_text, margin_text as margin_text
from .estimates import sample_text as sample_text, usual_texts as usual_texts, value_text as value_text
from .estimates import values_text as values_text
from .explained_items import facts_text as facts_text, item_text as item_text
from .gaps import as_json as as_json, break_text as break_text, detail_text as detail_text
from .gaps import difference_text as difference_text, differences_texts as differences_texts
from .gaps import hidden_text as hidden_text, score_text as score_text, set_change_text as set_change_text
from .impact_texts import file_reason_text as file_reason_text, item_place as item_place
from .impact_texts import line_name as line_name, line_text as line_text
from .impact_texts import risk_input_texts as risk_input_texts, risk_text as risk_text, risk_texts as risk_texts
from .lineage import behind_text as behind_text, crowding_text as crowding_text, lineage_notes as lineage_notes
from .lineage import line_notes as line_notes, line_texts as line_texts, sides_text as sides_text
from .needs import deciding_command as deciding_command, doubts as doubts, need_command as need_command
from .needs import need_text as need_text
from .needs import takes_text as takes_text, within_reach as within_reach
from .overview import advice as advice, apart_text as apart_text, change_clause as change_clause
from .overview import changed_text as changed_text
from .overview import conclusion_texts as conclusion_texts
from .overview import facts_strip as facts_strip, largest_change as largest_change
from .overview import dated_text as dated_text
from .overview import run_name as run_name, summary_texts as summary_texts, title_text as title_text
from .population_names import plain_quantity as plain_quantity
from .population_names import population_of as population_of, population_words as population_words
from .population_names import quantity_words as quantity_words
from .sentences import lacks_baseline as lacks_baseline, leading_estimate as leading_estimate
from .sentences import outcome_count_text as outcome_count_text, reason_text as reason_text, reasons as reasons
from .sentences import section_of as section_of, slow_requests_words as slow_requests_words
from .sentences import standing_outcome as standing_outcome, waiting_reason as waiting_reason, whole_text as whole_text
from .wording import known_text as known_text, metric_words as metric_words, place_text as place_text
from .wording import sentence as sentence
