// Tests of valid pipeline files: what they become, and what the fingerprint covers.
#include "config/pipeline.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/dependency.h"
#include "config/explain.h"
#include "engine/stream/record.h"

namespace ebb {
namespace {

PipelineFile Load(const std::string& text) {
  LoadResult loaded = LoadPipelineText(text, "test.yaml", {ProcessEnvironment, ""});
  EXPECT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
  return loaded.pipeline ? *std::move(loaded.pipeline) : PipelineFile();
}

constexpr std::string_view kTelecom = R"yaml(
pipeline: telecom-early-warning
entity: {key: customer_id}
sources:
  calls:
    topic: cdr
    format: json
    key: /subscriber/id
    time: {field: /start_ts, unit: ms, disorder: 2h, max_jump: 1d, idle_after: 30s, max_ahead: 5m}
    fields:
      duration: {path: /duration_s, type: int}
      dropped:  {path: /dropped, type: bool, missing: false}
      charge:   {path: /charge, type: decimal(2)}
      callee:   {path: /callee, type: hash}
  recharges:
    file: recharges.csv
    format: csv
    key: customer
    key_type: int
    missing_key: {use: nobody}
    time: {field: at, unit: rfc3339, late: quarantine}
    where: "amount > 0 and channel != 'test'"
    fields:
      amount:  {type: decimal(2)}
      channel: {path: Channel, type: string, optional: true}
      double:  {expr: "big * 2", type: decimal(1)}
      big:     {expr: "amount * 10", type: int}
  complaints:
    generate: telecom.complaints
    missing_key: filter
    time: {field: ts, unit: s}
windows: {day: 24h, week: 7d, month: 30d, quarter: {length: 90d, tile: 1d}, always: ever}
accuracy: {max_edge_error: 2%}
features:
  calls:        {from: calls, agg: count, over: [day, week, month, quarter]}        # calls_day, calls_week, ...
  minutes:      {from: calls, agg: [sum, mean], of: duration, over: [week, month]}
  drops:        {from: calls, agg: count, where: dropped, over: [day, week], exact: true}
  long:         {from: calls, agg: count, where: "duration > 600", over: week}
  long_charge:  {from: calls, agg: sum, of: charge, where: "duration > 600", over: week}
  callees:      {from: calls, agg: distinct, of: callee, over: [week, month], max_items: 32}
  spend_decay:  {from: recharges, agg: decayed_sum, of: amount, half_life: 14d}
  silence:      {from: calls, agg: recency}
  gap:          {from: calls, agg: [interarrival_mean], over: month}
  momentum:     {expr: "rate(calls_week) / trend"}
  drop_rate:    {expr: "safe_div(drops_week, calls_week)"}
  trend:        {expr: "rate(calls_month)"}
  quiet:        {expr: "silence > 5d"}
scores:
  churn:
    model: scorecard
    evaluate: {on: [calls, recharges, complaints], at_most_every: 1h, also_every: 6h}
    points:
      - {when: "silence > 7d",  add: 2.0, reason: ENGAGEMENT_DROP}
      - {when: "momentum < 0.5", add: 1.2, reason: ENGAGEMENT_DROP}
      - {when: "drop_rate > 0.05", add: 0.9, reason: SERVICE_QUALITY}
      - {of: "calls_day / 3", weight: -0.5, when: "quiet"}
    intercept: -2.5
    bands: {low: 0, high: 0.7}
  double_churn:
    model: scorecard
    link: none
    points: [{of: churn, weight: 2}]
    bands: {below: 0, above: 1.4}
alerts:
  at_risk:
    when: "churn > 0.7 and calls_day < 5"
    clear: "churn < 0.5"
    confirm: 2
    cooldown: 14d
    valid_for: 7d
    severity: {high: "churn > 0.9", critical: "double_churn > 1.9"}
    action: {code: CARE_CALL, class: save}
    holdout: 5%
    revisions: [resolved]
outputs:
  alerts:     {topic: churn-alerts}
  shadow:     {file: shadow.jsonl}
  scores:     {topic: churn-scores, on: band_change, features: [silence, calls_week]}
  quarantine: {topic: churn-quarantine}
tests:
  - name: a customer who falls silent is warned once
    given:
      - {calls: {at: 0d, customer_id: a, duration_s: 60, charge: 1.5, callee: b}}
      - {recharges: {at: 1d, customer_id: a, amount: 10, channel: null}}
    until: 12d
    expect:
      - {alert: at_risk, customer: a, between: [7d, 8d], reason: ENGAGEMENT_DROP, status: opened}
      - {alert: at_risk, customer: b, none: true}
      - {feature: calls_quarter, customer: a, at: 12d, is: 1}
      - {feature: silence, customer: a, at: 2d, is: 2d}
      - {feature: quiet, customer: a, at: 2d, is: false}
      - {feature: gap_interarrival_mean, customer: a, is: null}
      - {score: churn, customer: a, is: 0.5, near: 0.1}
)yaml";

int FeatureIndex(const Plan& plan, std::string_view name) {
  for (size_t i = 0; i < plan.features.size(); ++i) {
    if (plan.features[i].name == name) return static_cast<int>(i);
  }
  return -1;
}

const MeasurePlan& MeasureOf(const Plan& plan, std::string_view name) {
  for (const MeasurePlan& measure : plan.measures) {
    if (measure.name == name) return measure;
  }
  ADD_FAILURE() << "no measure " << name;
  return plan.measures[0];
}

TEST(PipelineTest, Sources) {
  PipelineFile p = Load(std::string(kTelecom));
  ASSERT_EQ(p.sources.size(), 3u);
  const SourceConfig& calls = p.sources[0];
  EXPECT_EQ(calls.origin, SourceConfig::Origin::kTopic);
  EXPECT_EQ(calls.location, "cdr");
  EXPECT_EQ(calls.schema.key_path, "/subscriber/id");
  EXPECT_EQ(calls.schema.time.path, "/start_ts");
  EXPECT_EQ(calls.schema.time.unit, TimeUnit::kMillis);
  EXPECT_EQ(calls.schema.time.disorder, 2 * kHour);
  EXPECT_EQ(calls.schema.time.max_jump, kDay);
  EXPECT_EQ(calls.schema.time.max_ahead, 5 * kMinute);
  EXPECT_EQ(calls.schema.time.idle_after, 30 * kSecond);
  ASSERT_EQ(calls.schema.fields.size(), 4u);
  EXPECT_EQ(calls.schema.fields[1].missing, 0);
  EXPECT_EQ(calls.schema.fields[2].decimals, 2);
  EXPECT_EQ(calls.slot_count(), 5);  // one hidden condition, used twice
  EXPECT_THAT(calls.slot_names, testing::ElementsAre("duration", "dropped", "charge", "callee", "duration > 600"));
  const SourceConfig& recharges = p.sources[1];
  EXPECT_EQ(recharges.schema.ordinal, 1);
  EXPECT_EQ(recharges.schema.format, Format::kCsv);
  EXPECT_EQ(recharges.schema.missing_key, MissingKey::kUse);
  EXPECT_EQ(recharges.schema.missing_key_value, "nobody");
  EXPECT_TRUE(recharges.schema.key_is_int);
  EXPECT_FALSE(calls.schema.key_is_int);
  EXPECT_TRUE(recharges.schema.time.quarantine_late);
  EXPECT_EQ(recharges.schema.fields[0].path, "amount");
  EXPECT_FALSE(recharges.schema.fields[1].required);
  ASSERT_EQ(recharges.derived.computed.size(), 2u);
  EXPECT_EQ(recharges.derived.computed[0].slot, 3) << "big is needed by double, so it is computed first";
  EXPECT_EQ(recharges.derived.computed[1].slot, 2);
  EXPECT_GE(recharges.derived.filter_reg, 0);
  EXPECT_EQ(p.sources[2].schema.key_path, "/customer_id") << "the entity's key is the default";
  EXPECT_EQ(p.sources[2].schema.time.path, "/ts");
  EXPECT_EQ(p.sources[2].schema.missing_key, MissingKey::kFilter);
  EXPECT_EQ(p.sources[2].location, "telecom.complaints");
}

TEST(PipelineTest, Features) {
  PipelineFile p = Load(std::string(kTelecom));
  const Plan& plan = p.plan;
  std::vector<std::string> names;
  for (const FeatureName& feature : plan.features) names.push_back(feature.name);
  EXPECT_THAT(names,
              testing::ElementsAre("calls_day", "calls_week", "calls_month", "calls_quarter", "minutes_sum_week",
                                   "minutes_sum_month", "minutes_mean_week", "minutes_mean_month", "drops_day",
                                   "drops_week", "long", "long_charge", "callees_week", "callees_month", "spend_decay",
                                   "silence", "gap_interarrival_mean", "momentum", "drop_rate", "trend", "quiet"));
  const MeasurePlan& minutes = MeasureOf(plan, "minutes_mean_month");
  EXPECT_EQ(minutes.aggregate, "mean");
  EXPECT_EQ(minutes.slot, 0);
  EXPECT_EQ(minutes.window, 2);
  EXPECT_EQ(MeasureOf(plan, "calls_day").slot, -1);
  EXPECT_TRUE(MeasureOf(plan, "drops_week").exact);
  EXPECT_EQ(MeasureOf(plan, "drops_week").filter, 1);
  EXPECT_EQ(MeasureOf(plan, "long").filter, 4);
  EXPECT_EQ(MeasureOf(plan, "long_charge").filter, 4);
  EXPECT_EQ(MeasureOf(plan, "long_charge").decimals, 2);
  EXPECT_EQ(MeasureOf(plan, "callees_week").max_items, 32);
  EXPECT_EQ(MeasureOf(plan, "spend_decay").half_life, 14 * kDay);
  EXPECT_EQ(MeasureOf(plan, "spend_decay").window, -1);
  EXPECT_TRUE(plan.features[FeatureIndex(plan, "silence")].is_duration);
  EXPECT_TRUE(plan.features[FeatureIndex(plan, "quiet")].is_bool);
  for (const FeatureName& feature : plan.features) EXPECT_GE(feature.reg, 0) << feature.name;
  ASSERT_EQ(plan.builtins.window_days.size(), 5u);
  EXPECT_GE(plan.builtins.window_days[1], 0);
  EXPECT_EQ(plan.builtins.window_days[0], -1);
}

TEST(PipelineTest, DerivedFeaturesAreComputedInOrder) {
  PipelineFile p = Load(std::string(kTelecom));
  const Plan& plan = p.plan;
  std::vector<double> registers = plan.program.initial;
  auto set = [&](std::string_view name, double value) {
    registers[plan.features[FeatureIndex(plan, name)].reg] = value;
  };
  set("calls_week", 14);
  set("calls_month", 90);
  registers[plan.builtins.window_days[1]] = 7;
  registers[plan.builtins.window_days[2]] = 30;
  plan.program.Run(plan.derived.begin, plan.derived.end, registers.data());
  EXPECT_EQ(registers[plan.features[FeatureIndex(plan, "trend")].reg], 3);
  EXPECT_EQ(registers[plan.features[FeatureIndex(plan, "momentum")].reg], 2.0 / 3);
}

TEST(PipelineTest, ScoresAndAlerts) {
  PipelineFile p = Load(std::string(kTelecom));
  const Plan& plan = p.plan;
  EXPECT_EQ(plan.evaluate.on_sources, 7u);
  EXPECT_EQ(plan.evaluate.at_most_every, kHour);
  EXPECT_EQ(plan.evaluate.also_every, 6 * kHour);
  ASSERT_EQ(plan.scores.size(), 2u);
  const ScorePlan& churn = plan.scores[0];
  ASSERT_EQ(churn.points.size(), 4u);
  EXPECT_EQ(churn.points[0].weight, 2);
  EXPECT_EQ(churn.points[0].reason, "ENGAGEMENT_DROP");
  EXPECT_EQ(churn.points[0].feature, FeatureIndex(plan, "silence"));
  EXPECT_GE(churn.points[0].condition, 0);
  EXPECT_EQ(churn.points[0].value, -1);
  EXPECT_EQ(churn.points[3].feature, FeatureIndex(plan, "calls_day"));
  EXPECT_GE(churn.points[3].value, 0);
  EXPECT_GE(churn.points[3].condition, 0);
  EXPECT_TRUE(churn.logistic);
  EXPECT_FALSE(plan.scores[1].logistic);
  EXPECT_EQ(plan.scores[1].points[0].value, churn.target);
  EXPECT_THAT(churn.bands, testing::ElementsAre(testing::Pair("low", 0.0), testing::Pair("high", 0.7)));
  ASSERT_EQ(plan.alerts.size(), 1u);
  const AlertPlan& alert = plan.alerts[0];
  EXPECT_EQ(alert.confirm, 2);
  EXPECT_EQ(alert.cooldown, 14 * kDay);
  EXPECT_EQ(alert.valid_for, 7 * kDay);
  EXPECT_EQ(alert.holdout_basis_points, 500);
  EXPECT_EQ(alert.action_code, "CARE_CALL");
  EXPECT_EQ(alert.score, 0) << "the first score that the condition names";
  EXPECT_FALSE(alert.on_escalated);
  EXPECT_TRUE(alert.on_resolved);
  EXPECT_FALSE(alert.on_expired);
  ASSERT_EQ(alert.severities.size(), 2u);
  EXPECT_EQ(alert.severities[1].name, "critical");
  EXPECT_THAT(alert.features, testing::ElementsAre(FeatureIndex(plan, "calls_day"), FeatureIndex(plan, "silence"),
                                                   FeatureIndex(plan, "momentum"), FeatureIndex(plan, "drop_rate")));
  // silence > 7d, and silence > 5d through the feature `quiet`.
  ASSERT_EQ(plan.deadlines.size(), 2u);
  EXPECT_EQ(plan.program.initial[plan.deadlines[0].threshold], 7.0 * kDay);
  EXPECT_EQ(plan.program.initial[plan.deadlines[1].threshold], 5.0 * kDay);
}

TEST(PipelineTest, Outputs) {
  PipelineFile p = Load(std::string(kTelecom));
  EXPECT_EQ(p.alerts.topic, "churn-alerts");
  EXPECT_EQ(p.shadow.file, "shadow.jsonl");
  EXPECT_EQ(p.plan.outputs.scores, OutputPlan::Scores::kBandChange);
  EXPECT_EQ(p.plan.outputs.score_features.size(), 2u);
}

TEST(PipelineTest, ProbabilitiesHaveBandsOfTheirOwn) {
  PipelineFile p = Load(
      "pipeline: p\nentity: {key: k}\nsources:\n  s:\n    file: f\n    time: {field: t, unit: ms}\n"
      "scores:\n  c:\n    model: scorecard\n    points: [{when: \"tenure > 1d\", add: 1}]\n"
      "outputs: {scores: {file: f, on: band_change}}\n");
  ASSERT_EQ(p.plan.scores[0].bands.size(), 3u);
  EXPECT_EQ(p.plan.scores[0].bands[2].first, "high");
}

TEST(PipelineTest, WindowsChooseTheirTiles) {
  struct Case {
    std::string length, error;
    DurationMs tile;
  };
  const Case kCases[] = {
      {"1h", "2%", kMinute},  {"24h", "2%", 15 * kMinute}, {"7d", "2%", 6 * kHour},   {"30d", "2%", kDay},
      {"90d", "2%", kDay},    {"365d", "2%", kDay},        {"1h", "5%", 5 * kMinute}, {"90m", "10%", 15 * kMinute},
      {"7m", "10%", kMinute}, {"36h", "50%", 6 * kHour},   {"25h", "50%", kHour},     {"1d", "50%", kDay},
      {"10d", "1%", kHour},   {"61m", "2%", kMinute},
  };
  for (const Case& c : kCases) {
    PipelineFile p =
        Load(fmt::format("pipeline: p\nentity: {{key: k}}\nsources:\n  s:\n    file: f\n"
                         "    time: {{field: t, unit: ms}}\nwindows: {{w: {}}}\n"
                         "accuracy: {{max_edge_error: {}}}\n",
                         c.length, c.error));
    ASSERT_EQ(p.plan.windows.size(), 1u) << c.length;
    EXPECT_EQ(p.plan.windows[0].tile, c.tile)
        << c.length << " " << c.error << " " << FormatDuration(p.plan.windows[0].tile);
  }
}

TEST(PipelineTest, FingerprintCoversWhatDecidesAResult) {
  const std::string text(kTelecom);
  const std::string fingerprint = Load(text).plan.fingerprint;
  EXPECT_EQ(fingerprint.size(), 16u);
  auto replaced = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    size_t at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return Load(changed.replace(at, from.size(), to)).plan.fingerprint;
  };
  const std::pair<std::string, std::string> kSame[] = {
      {"topic: cdr", "topic: other"},
      {"idle_after: 30s", "idle_after: 10s"},
      {"# calls_day, calls_week, ...", "# something else"},
      {"\"silence > 7d\"", "'silence  >  168h'"},
      {"topic: churn-alerts", "file: alerts.jsonl"},
      {"a customer who falls silent is warned once", "another name"},
      {"confirm: 2\n    cooldown: 14d", "cooldown: 14d\n    confirm: 2"},
  };
  for (const auto& [from, to] : kSame) EXPECT_EQ(replaced(from, to), fingerprint) << from;
  const std::pair<std::string, std::string> kOther[] = {
      {"pipeline: telecom", "pipeline: telekom"},
      {"disorder: 2h", "disorder: 3h"},
      {"max_jump: 1d", "max_jump: 2d"},
      {"max_ahead: 5m", "max_ahead: 6m"},
      {"path: /charge, type: decimal(2)", "path: /charge, type: decimal(3)"},
      {"missing: false", "missing: true"},
      {"week: 7d", "week: 8d"},
      {"half_life: 14d", "half_life: 15d"},
      {"add: 2.0", "add: 2.1"},
      {"silence > 7d", "silence > 8d"},
      {"silence > 7d", "silence >= 7d"},
      {"intercept: -2.5", "intercept: -2.4"},
      {"confirm: 2", "confirm: 3"},
      {"cooldown: 14d", "cooldown: 13d"},
      {"holdout: 5%", "holdout: 6%"},
      {"class: save", "class: keep"},
      {"{low: 0, high: 0.7}", "{low: 0, high: 0.8}"},
      {"max_items: 32", "max_items: 33"},
      {"on: band_change", "on: every"},
      {"channel != 'test'", "channel != 'Test'"},
      {"also_every: 6h", "also_every: 5h"},
      {"reason: SERVICE_QUALITY", "reason: SERVICE"},
      {"missing_key: {use: nobody}", "missing_key: {use: anybody}"},
      {"key_type: int", "key_type: text"},
  };
  for (const auto& [from, to] : kOther) EXPECT_NE(replaced(from, to), fingerprint) << from << " -> " << to;
}

TEST(PipelineTest, TestsBecomeSlotsAndExpectations) {
  PipelineFile p = Load(std::string(kTelecom));
  ASSERT_EQ(p.tests.size(), 1u);
  const PipelineTest& test = p.tests[0];
  EXPECT_EQ(test.until, 12 * kDay);
  ASSERT_EQ(test.given.size(), 2u);
  EXPECT_EQ(test.given[0].customer, "a");
  EXPECT_THAT(test.given[0].slots, testing::ElementsAre(testing::Pair(0, 60), testing::Pair(1, 0),
                                                        testing::Pair(2, 150), testing::Pair(3, HashText("b"))));
  EXPECT_EQ(test.given[1].source, 1);
  EXPECT_EQ(test.given[1].at, kDay);
  EXPECT_THAT(test.given[1].slots, testing::ElementsAre(testing::Pair(0, 1000)));
  ASSERT_EQ(test.expect.size(), 7u);
  EXPECT_EQ(test.expect[0].alert, 0);
  EXPECT_EQ(test.expect[0].from, 7 * kDay);
  EXPECT_EQ(test.expect[0].to, 8 * kDay);
  EXPECT_EQ(test.expect[0].status, "opened");
  EXPECT_TRUE(test.expect[1].none);
  EXPECT_EQ(test.expect[2].value, 1.0);
  EXPECT_EQ(test.expect[3].value, 2.0 * kDay);
  EXPECT_EQ(test.expect[4].value, 0.0);
  EXPECT_EQ(test.expect[5].value, std::nullopt);
  EXPECT_EQ(test.expect[5].to, 12 * kDay);
  EXPECT_EQ(test.expect[6].score, 0);
  EXPECT_EQ(test.expect[6].tolerance, 0.1);
}

TEST(PipelineTest, ShippedPipelinesLoad) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(EBB_SOURCE_DIR "/config/pipelines")) {
    if (entry.path().extension() != ".yaml") continue;
    LoadResult loaded = LoadPipelineFile(entry.path().string());
    EXPECT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
    ++count;
  }
  EXPECT_GE(count, 1);
}

TEST(PipelineTest, BenchHasTheFixedWorkload) {
  LoadResult loaded = LoadPipelineFile(EBB_SOURCE_DIR "/config/pipelines/bench.yaml");
  ASSERT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
  const Plan& plan = loaded.pipeline->plan;
  EXPECT_THAT(plan.sources, testing::ElementsAre("calls", "recharges", "complaints"));
  ASSERT_EQ(plan.scores.size(), 1u);
  ASSERT_EQ(plan.scores[0].points.size(), 40u);
  EXPECT_EQ(plan.features[plan.scores[0].points[4].feature].name, "callees_hour");
  EXPECT_EQ(plan.features[plan.scores[0].points[39].feature].name, "mean_minutes");
  EXPECT_EQ(plan.windows[1].tile, 30 * kMinute);
  EXPECT_TRUE(plan.deadlines.empty());
  EXPECT_EQ(loaded.pipeline->sources[0].schema.time.disorder, 5 * kMinute);
}

TEST(PipelineTest, FilesThatCannotBeRead) {
  auto code = [](const std::string& path) {
    LoadResult loaded = LoadPipelineFile(path);
    EXPECT_FALSE(loaded.pipeline);
    return loaded.diagnostics.Sorted()[0].code;
  };
  EXPECT_EQ(code("/no/such/file.yaml"), "E0001");
  EXPECT_EQ(code(testing::TempDir()), "E0001");
  std::string large = testing::TempDir() + "/ebb_large.yaml";
  std::ofstream(large) << std::string((1 << 20) + 1, '#');
  EXPECT_EQ(code(large), "E0002");
}

TEST(PipelineTest, ExplainNamesEverything) {
  std::string text = ExplainPipeline(Load(std::string(kTelecom)));
  for (std::string part :
       {"Pipeline telecom-early-warning, fingerprint ", "calls: topic cdr, json, key /subscriber/id",
        "7d      6h      28", "1.79% on average", "count of calls where dropped, last 1d, exact for up to 256 events",
        "distinct of calls.callee, last 30d in tiles of 1d, at most 32 items",
        "decayed_sum of recharges.amount, half-life 14d", "= safe_div(drops_week, calls_week)",
        "+2 when silence > 7d  -> ENGAGEMENT_DROP", "at_risk: when churn > 0.7 and calls_day < 5",
        "critical when double_churn > 1.9", "5% of the customers are held out", "quarantine: topic churn-quarantine",
        "only where amount > 0 and channel != 'test'", "records without a key belong to 'nobody'"}) {
    EXPECT_THAT(text, testing::HasSubstr(part));
  }
}

TEST(DependencyTest, OrderAndCycles) {
  auto order = OrderByDependency({"a", "b", "c", "d", "e", "f"}, {{"c"}, {"x"}, {}, {"e"}, {"f", "a"}, {"d"}});
  EXPECT_THAT(order.order, testing::ElementsAre(2, 0, 1));
  ASSERT_EQ(order.cycles.size(), 1u);
  EXPECT_EQ(ShowCycle(order.cycles[0], {"a", "b", "c", "d", "e", "f"}), "d -> e -> f -> d");
  std::vector<std::string> names;
  std::vector<std::vector<std::string>> reads;
  for (int i = 0; i < 5000; ++i) {
    names.push_back(fmt::format("n{}", i));
    reads.push_back({fmt::format("n{}", i + 1)});
  }
  EXPECT_EQ(OrderByDependency(names, reads).order.front(), 4999);
}

}  // namespace
}  // namespace ebb
