// The texts of all error codes. E00: the file and its YAML. E01: keys and names. E02: values. E03: features. E04:
// expressions. E05: tests. E06: models. E07: Kafka.
#include "config/error_codes.h"

#include <algorithm>

#include <fmt/format.h>

namespace ebb {
namespace {

constexpr ErrorCode kErrorCodes[] = {
    {"E0001", "the pipeline file can't be read",
     "The path doesn't name a file that this user may read. Check the spelling of the path, and the\n"
     "permissions of the file and its folder."},
    {"E0002", "the pipeline file is too large",
     "A pipeline file has at most 1 MiB. A larger one is most likely another file given by mistake, such\n"
     "as the data."},
    {"E0003", "a character isn't allowed",
     "The file must be UTF-8 text without control characters. Files saved as Latin-1 or UTF-16 have to be\n"
     "saved again as UTF-8. Inside double quotes a control character can be written as \\x1b."},
    {"E0004", "a tab is used as indentation",
     "YAML indents with spaces only, because editors show tabs in different widths. Replace the tab by\n"
     "spaces; most editors can do it for the whole file."},
    {"E0005", "a quote isn't closed on its line",
     "    when: \"churn > 0.7\n\n"
     "A text that begins with a quote must end with the same quote on the same line. Close it. A longer\n"
     "text goes into a block, with | or > behind the key and the text indented below."},
    {"E0006", "this isn't YAML",
     "The file's structure can't be read from here on, so nothing behind this place was checked. Typical\n"
     "reasons: a line that is indented differently from its neighbours, a missing comma or bracket in\n"
     "{...} or [...], or a text with ': ' or ' #' or a leading * & ! % @ ` in it, which has to stand in\n"
     "quotes."},
    {"E0007", "a key stands twice",
     "    calls: {from: calls, agg: count, over: day}\n"
     "    calls: {from: calls, agg: sum, of: charge, over: day}\n\n"
     "Each key may stand once in its mapping; otherwise one of the two would silently win. Rename or\n"
     "remove one."},
    {"E0008", "anchors and aliases aren't part of the language",
     "YAML's &name and *name hide what a pipeline does. Write the value out at each place, or name it once\n"
     "as a feature, window or field. A text that begins with * or & has to stand in quotes."},
    {"E0009", "tags aren't part of the language",
     "YAML's !tag is not used here; types are declared with `type:`. A text that begins with ! has to\n"
     "stand in quotes."},
    {"E0010", "the file holds several documents",
     "A line with --- begins another YAML document. One file is one pipeline: split the file, or remove\n"
     "the line."},
    {"E0011", "the file is nested too deeply", "At most 64 levels of mappings and lists may stand inside each other."},
    {"E0012", "the file is empty",
     "There is nothing in it but comments. The smallest pipeline has the keys pipeline, entity and\n"
     "sources."},
    {"E0013", "an environment variable isn't set",
     "    topic: \"${CALLS_TOPIC}\"\n\n"
     "The variable has no value in the environment of this process. Set it, or give a default:\n"
     "${CALLS_TOPIC:-cdr}."},
    {"E0014", "a ${...} can't be resolved",
     "The forms are ${NAME}, ${NAME:-default} and ${file:PATH}, inside values. NAME has letters, digits\n"
     "and underscores. The file of ${file:PATH} must be readable UTF-8 of at most 64 KiB. A literal ${ is\n"
     "written $${."},
    {"E0015", "an included file can't be read",
     "    include: bsae.yaml\n\n"
     "The path is relative to the folder of the file in which it stands, and names a YAML file of at most\n"
     "1 MiB. Shipped packs are included by name: pack:telecom, pack:ecommerce, pack:bank."},
    {"E0016", "files include each other",
     "A file can't build on itself, not even through others. Break the circle that the message shows: put\n"
     "what both need into a file of its own, and include that from both."},
    {"E0017", "too many files are included",
     "At most 8 files may include one another in a row, and at most 64 may make up a pipeline. A file that\n"
     "is included from several places counts once."},
    {"E0018", "two included files differ",
     "    include: [telecom.yaml, winback.yaml]     # both have features: {silence: ...}\n\n"
     "Files that are included side by side may share a name only if it means the same in both; otherwise one\n"
     "of the two would silently win. Say in the including file what the name means, or rename one."},
    {"E0019", "there is nothing to remove",
     "    include: pack:telecom\n"
     "    features: {silense: null}\n\n"
     "null behind a key removes what an included file has there. No included file has this key: correct its\n"
     "spelling, or remove the line."},
    {"E0020", "unknown pack",
     "    include: pack:telecomm\n\n"
     "The packs that come with ebb are listed with the error. A file of one's own is included by its path,\n"
     "without pack:."},
    {"E0101", "unknown key",
     "    alerts:\n"
     "      at_risk: {when: \"churn > 0.7\", cooldwon: 14d}\n\n"
     "A key that isn't known here would have no effect, so it is an error. Correct its spelling; the known\n"
     "keys of this place are listed with the error."},
    {"E0102", "a required key is missing",
     "Without this key the part of the file can't work, and there is no sensible default. Add it."},
    {"E0103", "the value has another shape",
     "A single value, a list [a, b] and a mapping {key: value} are three different things, and each key\n"
     "takes one of them. A key with nothing behind it has no value at all."},
    {"E0104", "unknown aggregation",
     "    calls: {from: calls, agg: cuont, over: day}\n\n"
     "`agg:` takes the name of an aggregation, or a list of names. Correct the spelling; the known ones\n"
     "are listed with the error."},
    {"E0105", "unknown source",
     "    drops: {from: cals, agg: count, over: day}\n\n"
     "The name must be one that stands below `sources:`."},
    {"E0106", "unknown window",
     "    calls: {from: calls, agg: count, over: fortnight}\n\n"
     "`over:` takes names that stand below `windows:`, not lengths. Add the window there: fortnight: 14d."},
    {"E0107", "unknown field",
     "    minutes: {from: calls, agg: sum, of: durration, over: day}\n\n"
     "The name must be one that stands below `fields:` of the source."},
    {"E0108", "unknown score", "The name must be one that stands below `scores:`."},
    {"E0109", "unknown feature",
     "The name must be one of the features as they are named after expansion: a feature `calls` over [day,\n"
     "week] makes calls_day and calls_week, and there is no feature `calls`."},
    {"E0110", "a name has another form",
     "Names of sources, fields, windows, features, scores and alerts begin with a letter and have letters,\n"
     "digits and underscores, at most 64. Words of the expression language (and, if, rate, tenure, ...)\n"
     "can't be names. The name of the pipeline has small letters, digits and hyphens."},
    {"E0111", "a name is used twice",
     "    calls: {from: calls, agg: count, over: [day, week]}\n"
     "    calls_day: {expr: \"calls_week / 7\"}\n\n"
     "A feature over several windows or with several aggregations makes several names; features and scores\n"
     "share one set of names, because expressions read both. Rename one of the two."},
    {"E0112", "unknown word",
     "    unit: millis\n\n"
     "This key takes one of a few words; they are listed with the error."},
    {"E0113", "keys that don't go together",
     "Some keys exclude each other (file, topic and generate: a source has one origin), and some have a\n"
     "meaning only beside another one. The message says which."},
    {"E0114", "unknown alert", "The name must be one that stands below `alerts:`."},
    {"E0115", "unknown budget",
     "    limits: {budgets: {calls: {alerts: 200, per: 1d}}}\n"
     "    alerts:\n"
     "      at_risk: {when: \"churn > 0.7\", budget: cals}\n\n"
     "The name must be one that stands below `limits: {budgets: ...}`."},
    {"E0116", "unknown reason code",
     "    reasons: {SERVICE_QUALTY: {en: \"calls were dropped\"}}\n\n"
     "A text belongs to a reason code that a point of some score has. Correct the spelling, or remove the\n"
     "text."},
    {"E0201", "not a duration",
     "    cooldown: 14\n\n"
     "A duration is a number with its unit: 250ms, 30s, 5m, 6h, 7d, 2w, or several in a row as in 1h30m."},
    {"E0202", "not a number",
     "    intercept: none\n\n"
     "Here stands a number: 3, -2.5 or 1e3."},
    {"E0203", "the value is out of range",
     "The message names the smallest and the largest value that is allowed here."},
    {"E0204", "not a percentage",
     "    holdout: 0.05\n\n"
     "A percentage is a number with a percent sign: 5%."},
    {"E0205", "neither true nor false",
     "    exact: yes\n\n"
     "Here stands true or false."},
    {"E0206", "a reason code has another form",
     "    reason: service quality\n\n"
     "Reason codes are read by programs: capital letters and underscores, as in SERVICE_QUALITY."},
    {"E0207", "the window can't be divided into tiles",
     "    windows: {week: {length: 7d, tile: 5h}}\n\n"
     "A window is kept as a row of tiles of equal length. The tile must divide the window's length; below\n"
     "a day it must divide the day as well, and above it must be whole days. Without `tile:` the largest\n"
     "of 1m, 5m, 15m, 1h, 6h, 1d is taken that divides the length and by which the window is too long, on\n"
     "average, by no more than accuracy: {max_edge_error: ...} of its length."},
    {"E0208", "a path has another form",
     "For JSON a path is a JSON pointer: /subscriber/id, with ~1 for / and ~0 for ~ inside a name; a bare\n"
     "name means the member of that name at the top. For CSV it is the name of a column."},
    {"E0209", "there are too many of them",
     "The limits: 64 sources, 64 fields of a source (a condition that isn't a plain field counts as one),\n"
     "256 windows, 4096 features, 64 scores, 64 alerts, and a total size of all expressions. Remove what\n"
     "no score and no alert reads."},
    {"E0210", "bands are out of order",
     "    bands: {high: 0.7, low: 0}\n\n"
     "Bands are written in ascending order of their lower bound, each bound once."},
    {"E0211", "the holdout is larger than half",
     "    holdout: 80%\n\n"
     "A holdout is the share of customers that get no alert, so that its effect can be measured. More than\n"
     "half of them is most likely the share of those who do get it; write the rest instead."},
    {"E0212", "a value doesn't fit the field's type",
     "    dropped: {type: bool, missing: 0}\n\n"
     "The value must be of the field's declared type: false for a bool, 0 for an int, 0.00 for a\n"
     "decimal(2)."},
    {"E0213", "a time zone has another form",
     "    quiet: {from: 21h, to: 8h, zone: Europe/Berln}\n\n"
     "A zone is a name of the IANA data base such as Europe/Berlin, UTC, a distance from it such as \"+01:00\",\n"
     "or an expression that gives each customer's distance as a duration; beside the latter two there is\n"
     "summer_time: eu, or us. Names are read from the machine's time zone data (package tzdata)."},
    {"E0301", "the aggregation needs a field",
     "    minutes: {from: calls, agg: sum, over: day}\n\n"
     "This aggregation works on the values of a field. Name it: of: duration."},
    {"E0302", "the aggregation takes no field",
     "    calls: {from: calls, agg: count, of: duration, over: day}\n\n"
     "This aggregation looks at the records themselves, not at a value. Remove `of:`. To count only some\n"
     "of the records, use `where:`."},
    {"E0303", "the field's type doesn't suit the aggregation",
     "    drops: {from: calls, agg: sum, of: dropped, over: day}\n\n"
     "Sums, means and extremes need numbers (int or decimal). To count the records for which a bool is\n"
     "true, write agg: count with where: dropped. For texts there is distinct."},
    {"E0304", "windows and aggregation don't go together",
     "Most aggregations need `over:` with one or several windows. recency and decayed_sum have no window:\n"
     "the one looks at the last event ever, the other fades by its half-life."},
    {"E0305", "the key doesn't apply to the aggregation",
     "Each key suits some aggregations only: half_life belongs to decayed_sum, q to quantile, gap to sessions,\n"
     "max_events to exact: true, and exact to aggregations over windows of finite length. Remove the key, or\n"
     "change the aggregation."},
    {"E0306", "the half-life is missing",
     "    spend: {from: recharges, agg: decayed_sum, of: amount}\n\n"
     "A decayed sum needs the time after which a value counts half: half_life: 14d."},
    {"E0307", "expressions form a cycle",
     "    a: {expr: \"b + 1\"}\n"
     "    b: {expr: \"a * 2\"}\n\n"
     "Each of them needs the value of the other first. Break the circle that the message shows."},
    {"E0308", "the aggregation needs another key",
     "    typical: {from: orders, agg: quantile, of: amount, over: month}\n\n"
     "quantile needs q: 0.5 (or another share), sessions need gap: 30m, share needs part: with a condition,\n"
     "and ratio needs part: and to:."},
    {"E0309", "closed periods and aggregation don't go together",
     "    trend: {from: orders, agg: slope, over: month}\n\n"
     "slope, deviation, ewma, cusum and the streaks compare periods that have closed. They need a window with\n"
     "a hop: windows: {weeks: {length: 8w, hop: 1w}} are the last eight closed weeks. Aggregations that keep\n"
     "values, events or sessions (distinct, quantile, entropy, ...) need a window without one."},
    {"E0310", "a reference source has no events",
     "    plans: {from: contract, agg: count, over: month}\n\n"
     "A source with kind: reference keeps the latest value of each field, and nothing that could be counted or\n"
     "summed. Read its fields in expressions: contract.price. For a history declare another source over the\n"
     "same file or topic, without kind:."},
    {"E0401", "the expression can't be read",
     "The caret shows where the expression stops making sense. There are numbers, durations (7d), texts\n"
     "('x'), true, false, null, names, + - * /, < <= > >= == !=, and, or, not, in (a, b), parentheses and\n"
     "functions."},
    {"E0402", "a number has an unknown unit",
     "    when: \"silence > 7days\"\n\n"
     "The units are ms, s, m, h, d and w; a percentage is written 5%."},
    {"E0403", "the expression is too long or too deep",
     "An expression has at most 4096 characters, and at most 64 levels of parentheses, calls and signs.\n"
     "Name parts of it as features of their own."},
    {"E0404", "unknown name in an expression",
     "    when: \"silense > 7d\"\n\n"
     "The name must be a feature (as named after expansion), tenure, now, SOURCE.FIELD of a reference source,\n"
     "or a score where scores can be read.\n"
     "In conditions on records it must be a field of the source."},
    {"E0405", "unknown function",
     "The functions are if, coalesce, safe_div, rate, abs, min, max, clamp, log1p, sqrt, is_null,\n"
     "hour and weekday."},
    {"E0406", "another number of arguments",
     "    expr: \"safe_div(drops_week)\"\n\n"
     "The message shows how it is called."},
    {"E0407", "the types don't go together",
     "    expr: \"calls_week + silence\"\n\n"
     "Numbers, durations, times, texts and true/false don't mix. A duration divided by a duration is a number\n"
     "(silence / 1d are days), a duration times a number is a duration,\n"
     "a time less a time is a duration, a time plus a duration is a time. Null is tested with is_null(x)."},
    {"E0408", "a unit is missing",
     "    when: \"silence > 7\"\n\n"
     "The other side is a duration, so 7 needs its unit: 7d, 7h or 7m."},
    {"E0409", "another type is wanted here",
     "    when: \"calls_week\"\n\n"
     "A condition must be true or false, so it has a comparison in it: calls_week > 3. A weighted value\n"
     "must be a number; a duration becomes one by division: silence / 1d."},
    {"E0410", "rate() can't be taken of this",
     "    expr: \"rate(silence)\"\n\n"
     "rate(f) is f per day of its window, so f must be the name of a count, sum or distinct over a window\n"
     "of finite length."},
    {"E0411", "the function reads a record",
     "    when: \"hour() >= 22\"\n\n"
     "hour() and weekday() are those of a record. They can be used in a source's where: and fields:, and in a\n"
     "feature's where:, part: and to:."},
    {"E0501", "the test says too much or too little",
     "A record in `given:` is one source with its values and `at:`. An expectation has either alert,\n"
     "feature or score, and a customer. The message says what is missing or superfluous."},
    {"E0601", "the model file can't be read",
     "    model: models/churn.json\n\n"
     "The path is relative to the folder of the pipeline file. A model file is JSON of at most 1 MiB."},
    {"E0602", "the model contradicts the pipeline",
     "    {\"feature\": \"silence\", \"weight\": 0.2, \"baseline\": \"calls_week\"}\n\n"
     "A baseline stands beside the value of a feature, so both are numbers, or both durations."},
    {"E0603", "bins don't fit their edges",
     "    {\"feature\": \"calls_week\", \"bins\": {\"edges\": [1, 5], \"values\": [0.4, 0]}, \"missing\": 0}\n\n"
     "n edges in ascending order make n + 1 bins: below the first edge, between each two, and from the last\n"
     "edge on. Each bin has a value."},
    {"E0604", "the calibration can't be used",
     "    calibration: {method: isotonic, x: [-1, 0, 1], y: [0.1, 0.05, 0.4]}\n\n"
     "The table maps sums to probabilities: as many x as y, x ascending, y from 0 to 1 and never falling."},
    {"E0701", "the Kafka client property can't be set",
     "    kafka: {brokers: \"kafka1:9092\", client: {security.protocol: sasl_ssl}}\n\n"
     "Properties are those of librdkafka, of a list. Not on it: what loads code or runs programs, what exactly-once\n"
     "rests on (ebb sets it), and what has a key of its own, such as brokers: and group:."},
    {"E0702", "the Kafka client property doesn't take the value",
     "    client: {security.protocol: sasl_ssl}\n\n"
     "The message is librdkafka's."},
};

}  // namespace

std::span<const ErrorCode> ErrorCodes() { return kErrorCodes; }

const ErrorCode* FindErrorCode(std::string_view code) {
  const ErrorCode* found = std::find_if(std::begin(kErrorCodes), std::end(kErrorCodes),
                                        [&](const ErrorCode& candidate) { return candidate.code == code; });
  return found == std::end(kErrorCodes) ? nullptr : found;
}

std::string ExplainErrorCode(const ErrorCode& code) {
  return fmt::format("{}: {}\n\n{}\n", code.code, code.title, code.text);
}

}  // namespace ebb
