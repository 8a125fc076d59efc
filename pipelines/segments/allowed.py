"""What a segment's SQL may be made of. Whatever is not listed here is refused.

Left out on purpose: everything that answers differently tomorrow or elsewhere (the clock, chance, the
session, DuckDB's own ``hash``), everything that reaches beyond the tables (files, network, settings,
system tables), and aggregates that estimate.
"""

from __future__ import annotations


def _words(*families: str) -> frozenset[str]:
    return frozenset(word for family in families for word in family.split())


STRUCTURE = _words(
    # Queries, tables and modifiers, as DuckDB's own parser names them.
    "SELECT_NODE SET_OPERATION_NODE CTE_NODE BASE_TABLE JOIN SUBQUERY TABLE_FUNCTION EXPRESSION_LIST EMPTY "
    "ORDER_MODIFIER LIMIT_MODIFIER DISTINCT_MODIFIER ORDER_DEFAULT ASCENDING DESCENDING "
    # Expressions.
    "COLUMN_REF VALUE_CONSTANT VALUE_PARAMETER STAR FUNCTION LAMBDA CASE_EXPR OPERATOR_CAST TYPE COLLATE "
    "CONJUNCTION_AND CONJUNCTION_OR COMPARE_BETWEEN COMPARE_EQUAL COMPARE_NOTEQUAL COMPARE_GREATERTHAN "
    "COMPARE_GREATERTHANOREQUALTO COMPARE_LESSTHAN COMPARE_LESSTHANOREQUALTO COMPARE_DISTINCT_FROM "
    "COMPARE_NOT_DISTINCT_FROM COMPARE_IN COMPARE_NOT_IN OPERATOR_NOT OPERATOR_IS_NULL OPERATOR_IS_NOT_NULL "
    "OPERATOR_COALESCE OPERATOR_TRY ARRAY_EXTRACT ARRAY_SLICE ARRAY_CONSTRUCTOR STRUCT_EXTRACT "
    "GROUPING_FUNCTION WINDOW_AGGREGATE WINDOW_ROW_NUMBER WINDOW_RANK WINDOW_RANK_DENSE WINDOW_PERCENT_RANK "
    "WINDOW_CUME_DIST WINDOW_NTILE WINDOW_LAG WINDOW_LEAD WINDOW_FIRST_VALUE WINDOW_LAST_VALUE "
    "WINDOW_NTH_VALUE"
)

JOINS = frozenset({"REGULAR", "NATURAL", "CROSS", "ASOF", "DEPENDENT"})
"""Ways to join; a positional join depends on the order in which rows happen to lie."""

TABLE_FUNCTIONS = frozenset({"unnest", "range", "generate_series"})

OPERATORS = _words("+ - * / // % ** ^ || ~~ !~~ ~~* !~~* ~~~ & | << >> ~ -> ->> @> <@ && ^@")

TEXT = (
    "ascii bit_length char_length character_length chr concat concat_ws contains damerau_levenshtein "
    "ends_with format hamming ilike_escape instr jaccard jaro_similarity jaro_winkler_similarity lcase left "
    "length len levenshtein like_escape lower lpad ltrim md5 nfc_normalize not_ilike_escape not_like_escape "
    "ord overlay position prefix printf regexp_escape regexp_extract regexp_extract_all regexp_full_match "
    "regexp_matches regexp_replace regexp_split_to_array repeat replace reverse right rpad rtrim sha256 split "
    "split_part starts_with str_split str_split_regex string_split string_split_regex string_to_array "
    "strip_accents strlen strpos substr substring suffix translate trim ucase unicode upper"
)
NUMBERS = (
    "abs acos asin atan atan2 bit_count cbrt ceil ceiling cos cot degrees divide even exp factorial fdiv "
    "floor fmod gcd greatest isfinite isinf isnan lcm least ln log log10 log2 mod multiply pi pow power "
    "radians round round_even sign sin sqrt subtract add tan trunc xor"
)
DATES = (
    "century date_add date_diff date_part date_sub date_trunc datediff datepart datesub datetrunc day dayname "
    "dayofmonth dayofweek dayofyear days_in_month decade epoch epoch_ms epoch_us era hour isodow isoyear "
    "last_day make_date make_time make_timestamp microsecond millisecond minute month monthname quarter "
    "second strftime strptime time_bucket timezone to_centuries to_days to_decades to_hours to_microseconds "
    "to_milliseconds to_minutes to_months to_quarters to_seconds to_timestamp to_weeks to_years try_strptime "
    "week weekday weekofyear year yearweek"
)
CHOICES = "if nullif struct_pack struct_extract row typeof map map_keys map_values map_extract element_at cardinality"
LISTS = (
    "array_contains array_has array_has_all array_has_any array_length array_to_string flatten "
    "generate_series list_any_value list_append list_apply list_avg list_concat list_contains "
    "list_count list_distinct list_extract list_filter list_has list_has_all list_has_any list_intersect "
    "list_max list_median list_min list_position list_prepend list_reduce list_reverse list_slice list_sort "
    "list_sum list_transform list_unique list_value list_zip range unnest"
)
JSON = (
    "json_array_length json_contains json_exists json_extract json_extract_string json_keys json_type "
    "json_valid json_value"
)
AGGREGATES = (
    "arg_max arg_max_null arg_min arg_min_null argmax argmin array_agg avg bit_and bit_or bit_xor bool_and "
    "bool_or corr count count_if count_star countif covar_pop covar_samp entropy favg first fsum geomean "
    "geometric_mean group_concat histogram kurtosis last list listagg mad max max_by mean median min min_by "
    "mode product quantile quantile_cont quantile_disc regr_avgx regr_avgy regr_count regr_intercept regr_r2 "
    "regr_slope skewness stddev stddev_pop stddev_samp string_agg sum var_pop var_samp variance any_value"
)
WINDOWS = "cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank row_number"

FUNCTIONS = OPERATORS | _words(TEXT, NUMBERS, DATES, CHOICES, LISTS, JSON, AGGREGATES, WINDOWS)
"""Functions by their DuckDB names; all of them answer the same for the same rows, on any day."""

NEED_AN_ORDER = _words("any_value first last list array_agg string_agg group_concat listagg")
"""Aggregates whose answer depends on the order of rows: ``order by`` belongs inside their brackets."""

ORDERED_WINDOWS = _words("row_number ntile lag lead first_value last_value nth_value")
"""Window functions that mean nothing repeatable without ``order by`` in ``over (…)``."""

SESSION_WORDS = _words(
    "current_date current_time current_timestamp localtime localtimestamp current_user current_role "
    "current_schema current_catalog current_database session_user user rowid"
)
"""Words without brackets that DuckDB answers from the clock or the session."""

PARAMETERS = frozenset({"as_of", "window_end"})

CLOCK = _words(
    "now today get_current_timestamp get_current_time current_localtime current_localtimestamp "
    "transaction_timestamp age ago current_date current_time current_timestamp localtime localtimestamp"
)
CHANCE = _words("random setseed uuid uuidv4 uuidv7 gen_random_uuid hash")
INSTEAD = dict.fromkeys(
    CLOCK,
    "use $as_of (the day) or $window_end (the midnight after it), so that any past day can be replayed",
) | dict.fromkeys(
    CHANCE, "a segment gives the same people every time; take a share by md5(person_no::varchar)"
)
"""What to write in place of the usual slips."""
