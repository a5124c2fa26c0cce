// The table of keys. A line: name, shape, what holds without it, meaning, the keys that it goes with.
#include "config/language.h"

#include <algorithm>
#include <charconv>

#include "engine/base/check.h"

namespace ebb {
namespace {

constexpr Key kFileKeys[] = {
    {"include", "[text]", "", "files that this one builds on; see [include](#include)"},
    {"pipeline", "pipeline name", "required", "small letters, digits, hyphens"},
    {"entity", "@entity", "required", "what a customer is called"},
    {"sources", "{@source}", "required", "at least one; their order is part of the order of records"},
    {"windows", "{duration | =ever | @window}", "", "see [windows](#windows)"},
    {"accuracy", "@accuracy", "", "see [windows](#windows)"},
    {"features", "{@feature}", "", "see [features](#features)"},
    {"evaluate", "@evaluate", "that of the only score which has one, else at every record",
     "when scores and alerts without an own `evaluate` are [evaluated](semantics.md#evaluation)"},
    {"scores", "{@score}", "", "see [scores](#scores)"},
    {"reasons", "{@reason_text}", "", "texts of reason codes; see [scores](#scores)"},
    {"limits", "@limits", "", "see [limits](#limits)"},
    {"alerts", "{@alert}", "", "see [alerts](#alerts)"},
    {"outputs", "@outputs", "", "see [outputs](#outputs)"},
    {"kafka", "@kafka", "", "the cluster that the topics are in: for `ebb run`; see [kafka](#kafka)"},
    {"tests", "[]@test", "", "see [tests](#tests)"},
};

constexpr Key kEntityKeys[] = {
    {"key", "text", "required", "the name of the customer's key, and the default of every source's `key`"},
};

constexpr Key kSourceKeys[] = {
    {"file", "text", "",
     "a path, relative to the folder of the file that it stands in. A pattern (`* ? [a-z]`) names several files, in "
     "bytewise order; "
     "each is a log. Plain, gzip or zstd, told apart by their first bytes"},
    {"topic", "text", "", "a Kafka topic, for [`ebb run`](kafka.md); a replay needs `--input NAME=PATH`"},
    {"generate", "text", "",
     "a stream of a built-in generator, such as `telecom.calls` or `ecommerce.orders`; its records are JSON"},
    {"kind", "=events | =reference", "`events`",
     "`reference`: its records say what is so of a customer, and the [latest value](semantics.md#reference-sources) of "
     "each field is read as `SOURCE.FIELD`"},
    {"format", "=json | =csv", "`json`", "JSON: one object per line. CSV: RFC 4180 with commas and a header line"},
    {"partitioner", "=murmur2 | =crc32", "not checked",
     "how producers choose the partition of a key: Java's default, or librdkafka's. Each record is checked against it",
     "topic"},
    {"misplaced", "=fail | =quarantine | =warn", "`fail`",
     "with `partitioner`: what becomes of a record that lies in another partition than its key says: `ebb run` stops; "
     "it is quarantined as `bad_key`; or it is counted and used",
     "topic"},
    {"key", "path", "`entity.key`",
     "where the customer stands: a text or an integer, at most 256 bytes, no control characters"},
    {"key_type", "=text | =int", "`text`",
     "with `int`, `17850`, `\"17850\"` and `17850.0` are one customer, and anything else is quarantined as `bad_key`"},
    {"missing_key", "=quarantine | =filter | @missing_key", "`quarantine`",
     "what happens without a customer: quarantine; counted as filtered; or, with `{use: TEXT}`, the record belongs to "
     "the customer TEXT"},
    {"time", "@time", "required", "see below"},
    {"id", "path", "", "what tells a record from its [duplicates](semantics.md#duplicates): a text or an integer"},
    {"dedup", "duration", "`24h`", "with `id`: how long an id is remembered after the record that was used", "id"},
    {"max_ids", "1..10000", "256", "with `id`: ids remembered for each customer; 16 bytes each", "id"},
    {"missing_id", "=quarantine | =accept", "`quarantine`",
     "with `id`: what happens without one (absent, null or an empty text): quarantine as `missing_id`; or the record "
     "is "
     "used and never taken for a duplicate",
     "id"},
    {"fields", "{@field}", "", "see below; what isn't named is checked as JSON or CSV, but not converted"},
    {"where", "expression", "", "condition on fields; a record for which it isn't true is filtered"},
};

constexpr Key kMissingKeyKeys[] = {
    {"use", "text", "required", "the customer to whom records without a key belong"},
};

constexpr Key kTimeKeys[] = {
    {"field", "path", "required", "where the event time stands"},
    {"unit", "=s | =ms | =us | =rfc3339", "required",
     "`rfc3339` also takes a space for the T, no seconds, no offset (UTC), or a date alone (midnight UTC); numbers may "
     "stand in quotes"},
    {"disorder", "duration", "`0s`",
     "how far behind the newest record of its log a record may stand without being [late](semantics.md#late-records)"},
    {"max_jump", "duration", "no limit",
     "a record further ahead of the newest of its log is quarantined as `time_jump`"},
    {"late", "=accept | =quarantine", "`accept`", "what happens with late records"},
    {"idle_after", "duration", "`1s`",
     "for live topics: a partition that has been at its end for this long is [idle](semantics.md#idle-logs)"},
    {"max_ahead", "duration", "`1h`",
     "for live topics: a record further ahead of the time at which the topic took it is quarantined as `time_ahead`"},
};

constexpr Key kFieldKeys[] = {
    {"type", "type", "required",
     "`int`; `decimal(0)` to `decimal(9)`; `bool`; `string` or `hash` (the same: only a "
     "hash is kept); `time`: RFC 3339, or a number in the unit of the source's time"},
    {"path", "path", "the field's name", "where the value stands", "!expr"},
    {"missing", "value", "", "value of the type, taken when the value is absent or null", "!expr"},
    {"optional", "bool", "`false`",
     "absent is null. Without `missing` and `optional` the record is quarantined as `missing_field`", "!expr"},
    {"expr", "expression", "",
     "a computed field, with `type` and nothing else. Null stays null, but a bool becomes false; numbers are rounded "
     "half to even"},
};

constexpr Key kWindowKeys[] = {
    {"length", "duration", "required", "a whole number of minutes, or a multiple of `tile`"},
    {"tile", "duration", "chosen",
     "at least 1s; it divides the length; below a day it divides the day, above it is whole days; at most 10,000 "
     "tiles"},
    {"hop", "duration", "",
     "makes it a hopping window of whole closed periods, with `length` = `hop` a tumbling one. At least 1s; the hop "
     "divides the length; at most 1000 periods"},
    {"offset", "duration", "`0s`",
     "when periods begin, from multiples of the hop since 1970-01-01T00:00Z, a Thursday: weeks from Monday have "
     "`offset: 4d`",
     "hop"},
};

constexpr Key kAccuracyKeys[] = {
    {"max_edge_error", "percentage", "`2%`",
     "the largest tile / (2 x length) where a tile is chosen: more than 0%, at most 50%"},
};

constexpr Key kFeatureKeys[] = {
    {"from", "source", "", "whose records it is made of"},
    {"agg", "[aggregate]", "required", "see [Aggregates](#aggregates)", "from"},
    {"of", "field", "", "the value that is aggregated", "from"},
    {"where", "expression", "", "condition on fields: only the records for which it is true", "from"},
    {"over", "[window]", "", "required for windowed aggregates, not allowed for the others", "from"},
    {"exact", "bool", "`false`",
     "[exact to the millisecond](semantics.md#exact-windows), over windows of finite length", "from"},
    {"max_events", "1..10000", "256", "with `exact: true`: events kept", "from"},
    {"last", "1..10000", "", "instead of `over`: the newest so many events", "from"},
    {"max_items", "1..10000", "64 or 256",
     "with `distinct`: values kept, 64; with `quantile`, `entropy`, `top`, `top_share`: pairs of tile and value kept, "
     "256",
     "from"},
    {"max_sessions", "1..10000", "64", "with aggregates of sessions: sessions kept", "from"},
    {"q", "fraction", "", "with `quantile`, required: more than 0, at most 1; 0.5 is the median", "from population"},
    {"rank", "1..100", "1", "with `top` and `top_share`", "from"},
    {"part", "expression", "", "condition on fields; with `share` and `ratio`, required", "from"},
    {"to", "expression", "", "condition on fields; with `ratio`, required", "from"},
    {"gap", "duration", "", "with aggregates of sessions, required: the longest time between two events of a session",
     "from"},
    {"alpha", "fraction", "0.3", "with `ewma`: the weight of the newest period; more than 0, at most 1", "from"},
    {"min_spread", "number", "0", "with `deviation` and `cusum`: what the spread is at least, in the unit of the field",
     "from"},
    {"robust", "bool", "`false`", "with `deviation`: median instead of mean", "from"},
    {"latest", "=open | =closed", "`open`", "with `deviation`: which period is compared", "from"},
    {"slack", "number", "0.5", "with `cusum`: what is lost of the sum in each period", "from"},
    {"direction", "=down | =up", "`down`", "with `cusum`", "from"},
    {"half_life", "duration", "", "with `decayed_sum`, required", "from"},
    {"expr", "expression", "",
     "computed from other features, in any order, without cycles; features can't read scores"},
    {"population", "expression", "",
     "the value of each customer of which a [statistic over all customers](semantics.md#the-population) is taken"},
    {"stat", "=mean | =stddev | =min | =max | =quantile | =count", "required",
     "see [Statistics of the population](#statistics-of-the-population)", "population"},
    {"per", "duration", "`1d`", "the period at whose close it is taken, at least 1m", "population"},
    {"closes", "time of day", "`0s`", "moves the ends of the periods, as of [budgets](#limits)", "population"},
};

constexpr Key kScoreKeys[] = {
    {"model", "=scorecard | model file", "required",
     "`scorecard`: points that add up; or a [model file](models.md), relative to the folder of the file that names it, "
     "beside "
     "which "
     "only `evaluate` and `bands` may stand"},
    {"link", "=logistic | =none", "`logistic`", "1 / (1 + e^-sum), or the sum itself"},
    {"intercept", "number", "0", "where the sum begins"},
    {"points", "[]@point", "", "required for a scorecard: at least one; see below"},
    {"calibration", "@calibration", "", "makes a probability of the sum, in place of the link"},
    {"evaluate", "@evaluate", "`evaluate` of the file", "when this score is [evaluated](semantics.md#evaluation)"},
    {"bands", "{number}", "", "name and lower bound, ascending"},
};

constexpr Key kPointKeys[] = {
    {"when", "expression", "", "condition; required beside `add`"},
    {"add", "number", "", "what is added while `when` is true"},
    {"of", "expression", "", "a number, of which `weight` times as much is added"},
    {"weight", "number", "required", "the factor of `of`", "of"},
    {"reason", "reason", "", "capital letters and underscores, at most 64"},
    {"baseline", "expression", "",
     "what the feature usually is, shown beside its value in a reason: a number or duration as the feature itself"},
};

constexpr Key kCalibrationKeys[] = {
    {"method", "=platt | =isotonic", "required", "1 / (1 + e^(a sum + b)); or straight lines between points"},
    {"a", "number", "", "required with `platt`"},
    {"b", "number", "", "required with `platt`"},
    {"x", "[]number", "", "required with `isotonic`: sums, ascending"},
    {"y", "[]number", "", "required with `isotonic`: the probability at each, never falling"},
};

constexpr Key kReasonTextKeys[] = {
    {"en", "text", "required", "what the code means, in English"},
    {"zh", "text", "", "the same in Chinese"},
};

constexpr Key kLimitsKeys[] = {
    {"per_customer", "@per_customer", "no limit", "over all alerts of one customer"},
    {"budgets", "{@budget}", "", "over all customers; an alert names its [budget](semantics.md#budgets)"},
};

constexpr Key kPerCustomerKeys[] = {
    {"alerts", "1..100", "required", "openings"},
    {"within", "duration", "required", "in any span of this length"},
};

constexpr Key kBudgetKeys[] = {
    {"alerts", "0..1000000000", "required", "openings in each period"},
    {"per", "duration", "`1d`", "the period, at least 1m; periods are counted from 1970-01-01T00:00:00Z"},
    {"closes", "time of day", "`0s`", "moves the ends of the periods: `6h` with `per: 1d` is 06:00 UTC"},
};

constexpr Key kEvaluateKeys[] = {
    {"on", "[source | =all]", "`all`", "records of these sources"},
    {"at_most_every", "duration", "`0s`", "then not again at records for this long, but once at its end"},
    {"also_every", "duration", "", "also while nothing happens; at least 1s"},
    {"at_close", "[window]", "", "windows with a hop: also at each end of one of their periods"},
};

constexpr Key kAlertKeys[] = {
    {"when", "expression", "required", "condition on features and scores"},
    {"clear", "expression", "`when` no longer holds", "condition that ends the episode"},
    {"confirm", "1..1000", "1", "evaluations in a row"},
    {"cooldown", "duration", "`0s`", "from the opening of one episode to that of the next, at least"},
    {"valid_for", "duration", "`0s`", "`0s`: until cleared"},
    {"severity", "{expression}", "`medium`", "name and condition, mildest first; the last that holds counts"},
    {"action", "@action", "", "handed on with the alert"},
    {"evaluate", "@evaluate", "that of the score that explains it, else of the file",
     "when this alert is [evaluated](semantics.md#evaluation)"},
    {"explain", "score", "the first score in `when`, or the only one", "whose reasons stand in the alert"},
    {"holdout", "percentage", "`0%`",
     "share of the customers whose alerts go to `shadow`: at most 50%, in steps of 0.01%"},
    {"priority", "expression", "the expected value of the action, or the explaining score",
     "who comes first where places are few: a number, the higher the sooner"},
    {"budget", "budget", "none", "shares the places of this budget"},
    {"quiet", "@quiet", "", "hours in which nothing opens or escalates"},
    {"revisions", "[=escalated | =updated | =resolved | =expired]", "all but `updated`",
     "what is written beside `opened`; `updated` is written when the main reason changes"},
    {"features", "[feature]", "those in `when`, and those of the score's points with a reason", "shown in the alert"},
};

constexpr Key kActionKeys[] = {
    {"code", "text", "required", "what is to be done: `CARE_CALL`"},
    {"class", "text", "", "what kind of action that is: `save`"},
    {"expected_value", "expression", "", "what the action is worth for this customer: a number"},
};

constexpr Key kQuietKeys[] = {
    {"from", "time of day", "required", "since midnight of the customer's day, below 24h: `21h`, `8h30m`"},
    {"to", "time of day", "required", "the same; may lie behind midnight"},
    {"zone", "=UTC | expression", "`UTC`",
     "where the customer's clock stands: a name such as `Europe/Berlin` (see [time zones](#time-zones)), a distance "
     "from "
     "UTC (`\"+01:00\"`), or an expression that gives it as a duration"},
    {"otherwise", "text", "`UTC`", "the zone while the expression is null, or more than 14h"},
    {"summer_time", "=none | =eu | =us", "`none`",
     "an hour more in summer, by the rule of these regions; not beside a name"},
};

constexpr Key kOutputsKeys[] = {
    {"alerts", "@output", "standard output", "alerts"},
    {"shadow", "@output", "counted, not written", "alerts of those held out"},
    {"quarantine", "@output", "counted, not written", "records that can't be used"},
    {"scores", "@scores_output", "not written", "scores"},
};

constexpr Key kOutputKeys[] = {
    {"file", "text", "", "a path, relative to the working directory; `-` is standard output"},
    {"topic", "text", "", "a replay writes `topic: NAME` to the file `NAME.jsonl`"},
};

constexpr Key kScoresOutputKeys[] = {
    {"file", "text", "", "as above"},
    {"topic", "text", "", "as above"},
    {"on", "=every | =band_change", "`every`", "at every evaluation, or when a band changes"},
    {"features", "=all | [feature]", "none", "written with each score"},
};

constexpr Key kKafkaKeys[] = {
    {"brokers", "text", "required", "`host:port`, several with commas between"},
    {"group", "text", "the pipeline's name", "the consumer group, and the beginning of transactional ids"},
    {"journal", "text", "`GROUP-journal`", "the topic in which tasks keep what they decided"},
    {"instance", "text", "kept in the state directory",
     "the name of this process in the group: the same after a restart, and no other's"},
    {"client", "@client", "", "properties of librdkafka: security, addresses, sizes"},
};

constexpr Key kClientKeys[] = {
    {"*", "text", "librdkafka's",
     "a [property of librdkafka](kafka.md#client-properties), as in `security.protocol: sasl_ssl`; secrets come from "
     "files: `sasl.password: ${file:/run/secrets/kafka}`"},
};

constexpr Key kTestKeys[] = {
    {"name", "text", "required", "shown in the result"},
    {"given", "[]{@record}", "required",
     "records: `{SOURCE: {at: DURATION, KEY: CUSTOMER, FIELD: VALUE, ...}}`, each of one source"},
    {"until", "duration", "the last record", "time goes on to here"},
    {"expect", "[]@expectation", "required", "see below"},
};

constexpr Key kRecordKeys[] = {
    {"at", "duration", "required", "counts from the beginning of the test"},
    {"*", "value", "`missing` of the field, or null",
     "the customer under `entity.key`; fields under their name, or the last part of their path"},
};

constexpr Key kExpectationKeys[] = {
    {"alert", "alert", "", "one of `alert`, `feature` and `score` is required"},
    {"feature", "feature", "", "as it is named after expansion"},
    {"score", "score", "", "by its name"},
    {"customer", "text", "required", "whom it is about"},
    {"at", "duration", "an alert: any time; else `until`", "when"},
    {"between", "[]duration", "any time", "`[D, D]`: the alert's event time lies in between", "alert"},
    {"reason", "reason", "", "is among the reasons of the alert", "alert"},
    {"status", "=opened | =escalated | =updated | =resolved | =expired", "`opened`", "of the alert", "alert"},
    {"none", "bool", "`false`", "`true`: there is no such alert", "alert"},
    {"is", "value", "required", "number, duration, bool or `null`", "feature score"},
    {"near", "value", "0", "the largest difference", "feature score"},
};

constexpr Section kSections[] = {
    {"file", "", "", kFileKeys},
    {"entity", "entity", "", kEntityKeys},
    {"source", "sources.*", "file topic generate", kSourceKeys},
    {"missing_key", "sources.*.missing_key", "", kMissingKeyKeys},
    {"time", "sources.*.time", "", kTimeKeys},
    {"field", "sources.*.fields.*", "", kFieldKeys},
    {"window", "windows.*", "", kWindowKeys},
    {"accuracy", "accuracy", "", kAccuracyKeys},
    {"feature", "features.*", "from expr population", kFeatureKeys},
    {"score", "scores.*", "", kScoreKeys},
    {"point", "scores.*.points[]", "add of", kPointKeys},
    {"calibration", "scores.*.calibration", "", kCalibrationKeys},
    {"evaluate", "evaluate", "", kEvaluateKeys},
    {"reason_text", "reasons.*", "", kReasonTextKeys},
    {"limits", "limits", "", kLimitsKeys},
    {"per_customer", "limits.per_customer", "", kPerCustomerKeys},
    {"budget", "limits.budgets.*", "", kBudgetKeys},
    {"alert", "alerts.*", "", kAlertKeys},
    {"action", "alerts.*.action", "", kActionKeys},
    {"quiet", "alerts.*.quiet", "", kQuietKeys},
    {"outputs", "outputs", "", kOutputsKeys},
    {"output", "outputs.alerts", "file topic", kOutputKeys},
    {"scores_output", "outputs.scores", "file topic", kScoresOutputKeys},
    {"kafka", "kafka", "", kKafkaKeys},
    {"client", "kafka.client", "", kClientKeys},
    {"test", "tests[]", "", kTestKeys},
    {"record", "tests[].given[].*", "", kRecordKeys},
    {"expectation", "tests[].expect[]", "alert feature score", kExpectationKeys},
};

constexpr std::string_view kNamePattern = "[A-Za-z][A-Za-z0-9_]{0,63}";

constexpr Noun kNouns[] = {
    {"text", "", "x", ""},
    {"value", "", "1", ""},
    {"path", "", "x", ""},
    {"expression", "", "1 > 0", ""},
    {"duration", "([0-9]+(\\.[0-9]*)?(ms|s|m|h|d|w))+", "7d", "seven"},
    {"percentage", "[0-9]+(\\.[0-9]+)?%", "5%", "five"},
    {"number", "-?[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?", "1.5", "one"},
    {"fraction", "[0-9]+(\\.[0-9]+)?([eE][-+]?[0-9]+)?", "0.5", "half"},
    {"bool", "true|false", "true", "maybe"},
    {"type", "int|bool|string|hash|time|decimal\\([0-9]\\)", "decimal(2)", "float"},
    {"reason", "[A-Z_]{1,64}", "SERVICE_QUALITY", "service quality"},
    {"pipeline name", "[-a-z0-9]{1,64}", "corner-shop", "Corner Shop"},
    {"source", kNamePattern, "n", ""},
    {"field", kNamePattern, "n", ""},
    {"window", kNamePattern, "n", ""},
    {"aggregate", kNamePattern, "sum", ""},
    {"feature", kNamePattern, "n", ""},
    {"score", kNamePattern, "n", ""},
    {"alert", kNamePattern, "n", ""},
    {"budget", kNamePattern, "n", ""},
    {"model file", ".+\\.json", "model.json", "nonsense words"},
    {"time of day", "([0-9]+(\\.[0-9]*)?(ms|s|m|h))+", "8h", "seven"},
};

Shape ParseOne(std::string_view text) {
  Shape shape;
  const auto inner = [&](size_t skip, size_t leave) {
    shape.inner = ParseShape(text.substr(skip, text.size() - skip - leave));
  };
  if (text.starts_with("[]")) {
    shape.kind = Shape::Kind::kList;
    inner(2, 0);
  } else if (text.starts_with('[') && text.ends_with(']')) {
    shape.kind = Shape::Kind::kOneOrList;
    inner(1, 1);
  } else if (text.starts_with('{') && text.ends_with('}')) {
    shape.kind = Shape::Kind::kMap;
    inner(1, 1);
  } else if (text.starts_with('=')) {
    shape.kind = Shape::Kind::kWord;
    shape.text = text.substr(1);
  } else if (text.starts_with('@')) {
    shape.kind = Shape::Kind::kSection;
    shape.text = text.substr(1);
    EBB_CHECK(FindSection(shape.text) != nullptr, "there is no section {}", shape.text);
  } else if (const size_t dots = text.find(".."); dots != std::string_view::npos) {
    shape.kind = Shape::Kind::kInteger;
    std::from_chars(text.data(), text.data() + dots, shape.low);
    std::from_chars(text.data() + dots + 2, text.data() + text.size(), shape.high);
  } else {
    shape.text = text;
    const bool known = std::any_of(std::begin(kNouns), std::end(kNouns), [&](const Noun& n) { return n.name == text; });
    EBB_CHECK(known, "there is no noun '{}'", text);
  }
  return shape;
}

}  // namespace

std::span<const Section> Sections() { return kSections; }

const Section* FindSection(std::string_view name) {
  const Section* found =
      std::find_if(std::begin(kSections), std::end(kSections), [&](const Section& s) { return s.name == name; });
  return found == std::end(kSections) ? nullptr : found;
}

std::span<const Noun> Nouns() { return kNouns; }

std::vector<Shape> ParseShape(std::string_view shape) {
  std::vector<Shape> alternatives;
  size_t begin = 0;
  int depth = 0;
  for (size_t i = 0; i <= shape.size(); ++i) {
    const char c = i < shape.size() ? shape[i] : '|';
    if (c == '[' || c == '{') ++depth;
    if (c == ']' || c == '}') --depth;
    if (c != '|' || depth > 0) continue;
    std::string_view one = shape.substr(begin, i - begin);
    one.remove_prefix(std::min(one.find_first_not_of(' '), one.size()));
    one = one.substr(0, one.find_last_not_of(' ') + 1);
    alternatives.push_back(ParseOne(one));
    begin = i + 1;
  }
  return alternatives;
}

std::vector<std::string_view> SplitWords(std::string_view text) {
  std::vector<std::string_view> words;
  while (!text.empty()) {
    const size_t end = text.find(' ');
    words.push_back(text.substr(0, end));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return words;
}

}  // namespace ebb
