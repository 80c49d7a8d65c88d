// The functions a feature may use. A list of what is allowed, not of what is refused: a function that a later DuckDB
// brings stays outside until someone has judged it.

const words = (text: string): string[] => text.trim().split(/\s+/)

/** Functions of one event's values (or of aggregates), with one answer for the same input on every machine. */
const exact = new Set(
  words(`
  + - * / // % || & | << >> ~ xor
  ~~ !~~ ~~* !~~* regexp_matches regexp_full_match regexp_extract regexp_replace
  abs sign signbit floor ceil ceiling round round_even trunc sqrt mod gcd lcm greatest least nullif even
  isnan isinf isfinite bit_count factorial
  lower lcase upper ucase length len char_length character_length strlen bit_length octet_length
  substr substring left right trim ltrim rtrim replace translate reverse concat concat_ws contains
  starts_with ends_with prefix suffix position instr strpos ascii ord unicode chr split_part string_split str_split
  md5 sha1 sha256 hex
  date_diff datediff date_sub datesub date_trunc datetrunc date_part datepart date_add
  year quarter month week weekofyear day dayofmonth dayofweek dayofyear isodow isoyear weekday yearweek
  hour minute second millisecond microsecond epoch epoch_ms epoch_us epoch_ns last_day dayname monthname
  make_date make_timestamp time_bucket strftime
  to_years to_months to_weeks to_days to_hours to_minutes to_seconds to_milliseconds to_microseconds
  row list_value list_contains list_has array_contains list_sort array_to_string list_extract
  json_extract_string json_extract_path_text ->> json_array_length json_valid json_exists
  `),
)

/** Functions of floating arithmetic whose last digits depend on the machine's library. */
const rounding = new Set(
  words('** ^ pow power exp ln log log10 log2 cbrt sin cos tan asin acos atan atan2 sinh cosh tanh degrees radians pi'),
)

type Aggregate =
  /** Its value does not depend on the order of events. */
  | 'exact'
  /** Exact over integers and DECIMAL; over DOUBLE it depends on the order. */
  | 'exact over integers'
  /** Computed in floating point, in an order that changes. */
  | 'rounding'
  /** It takes events in an order, which must be said. */
  | 'ordered'
  /** It takes one event; among equals the order decides. We decide by seq. */
  | 'picking'

const aggregates = new Map<string, Aggregate>([
  ...words(`count count_star count_if countif min max bool_and bool_or bit_and bit_or bit_xor
    median quantile_cont quantile_disc`).map((name) => [name, 'exact'] as const),
  ...words('sum avg mean').map((name) => [name, 'exact over integers'] as const),
  ...words(`stddev stddev_pop stddev_samp variance var_pop var_samp skewness kurtosis kurtosis_pop corr covar_pop covar_samp
    regr_avgx regr_avgy regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy product fsum kahan_sum sumkahan favg
    entropy sem mad`).map((name) => [name, 'rounding'] as const),
  ...words(
    'first last first_value last_value any_value arbitrary list array_agg string_agg group_concat listagg mode',
  ).map((name) => [name, 'ordered'] as const),
  ...words('arg_min arg_max argmin argmax min_by max_by').map((name) => [name, 'picking'] as const),
])

export type FunctionKind = 'exact' | 'rounding' | { aggregate: Aggregate } | undefined

/** What is known about a function; undefined for one that features may not use. */
export function functionKind(name: string): FunctionKind {
  const aggregate = aggregates.get(name)
  if (aggregate !== undefined) return { aggregate }
  if (exact.has(name)) return 'exact'
  return rounding.has(name) ? 'rounding' : undefined
}

/** Of a function that is not allowed: the reason where there is a particular one. */
export function whyNot(name: string): string {
  if (/^approx|^reservoir/.test(name)) return 'its answer is an estimate that changes from run to run'
  if (/random|uuid|setseed/.test(name)) return 'its answer changes from run to run'
  if (/^(now|today|current_|get_current|transaction_timestamp|age$|ago$)/.test(name)) {
    return 'a feature knows no present; use as_of'
  }
  if (/^(nextval|currval|getenv|getvariable|current_setting)$/.test(name))
    return 'a feature reads nothing but its events'
  if (/^(read_|glob$|parquet_|sniff_|query|duckdb_)/.test(name))
    return 'a feature reads nothing but its source’s events'
  return 'it is not on the list of functions whose answer is the same every time'
}

/**
 * How many of an aggregate's first arguments must not be NULL for an event to be fed to it. What is fed is what can be
 * taken away: the others neither count such an event nor keep it.
 */
export function mustNotBeNull(name: string): number {
  if (name === 'count_star' || /^(first|last|first_value|last_value|arbitrary|list|array_agg)$/.test(name)) return 0
  return /^(arg_?(min|max)|(min|max)_by|corr|covar_|regr_)/.test(name) ? 2 : 1
}

/**
 * Functions that make long texts out of short ones: where the text that they put in stands among their arguments, or
 * `double`. Inside each other they multiply.
 */
export const growing: ReadonlyMap<string, number | 'double'> = new Map<string, number | 'double'>([
  ['replace', 2],
  ['regexp_replace', 2],
  ['array_to_string', 1],
  ['hex', 'double'],
])
export const MOST_PUT_IN = 32
export const MOST_NESTED = 2
