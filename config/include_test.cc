// Files that include others: what they mean is what one file would mean that says it all, and errors stand where the
// mistake is.
#include "config/include.h"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/explain.h"
#include "config/packs.h"
#include "config/pipeline.h"

namespace ebb {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char kBase[] = R"(pipeline: base
entity: {key: customer}
sources:
  calls:
    file: calls.jsonl
    time: {field: t, unit: ms, disorder: 1h}
    fields: {length: {type: int}, dropped: {type: bool}}
  orders: {generate: ecommerce.orders, time: {field: t, unit: ms}}
windows: {week: 7d, month: 30d}
features:
  calls: {from: calls, agg: count, over: [week, month]}
  length: {from: calls, agg: sum, of: length, over: week}
  silence: {from: calls, agg: recency}
scores:
  churn:
    model: scorecard
    intercept: -2
    points: [{when: "silence > 7d", add: 1, reason: SILENT}]
alerts:
  leaving: {when: "churn > 0.5", cooldown: 7d}
  quiet: {when: "silence > 30d"}
tests:
  - {name: of the base, given: [{calls: {at: 0d, customer: a}}], expect: [{feature: calls_week, customer: a, is: 1}]}
)";

class IncludeTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "/ebb_include_" + testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::remove_all(folder_);
    Write("base.yaml", kBase);
  }

  void Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = std::filesystem::path(folder_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }

  LoadResult Load(const std::string& text) const {
    const auto environment = [](const std::string& name) -> std::optional<std::string> {
      if (name == "EBB_BASE") return "base";
      return std::nullopt;
    };
    return LoadPipelineText(text, "main.yaml", {environment, folder_});
  }

  PipelineFile Good(const std::string& text) const {
    LoadResult loaded = Load(text);
    EXPECT_TRUE(loaded.pipeline) << RenderText(loaded.diagnostics);
    return loaded.pipeline ? *std::move(loaded.pipeline) : PipelineFile{};
  }
  std::string Errors(const std::string& text) const { return RenderText(Load(text).diagnostics); }

  static std::vector<std::string> FeatureNames(const PipelineFile& file) {
    std::vector<std::string> names;
    for (const FeatureName& feature : file.plan.features) names.push_back(feature.name);
    return names;
  }

  std::string folder_;
};

TEST_F(IncludeTest, MeansWhatOneFileWouldMean) {
  const PipelineFile file = Good(R"(include: base.yaml
pipeline: shop
sources:
  calls: {time: {disorder: 2h}, fields: {dropped: null, cost: {type: decimal(2)}}}
  orders: {topic: orders}
windows: {month: 28d, year: 365d}
features:
  length: {expr: "calls_week * 2"}
  cost: {from: calls, agg: sum, of: cost, over: year}
scores:
  churn: {intercept: -3}
alerts:
  quiet: null
)");
  const PipelineFile flat = Good(R"(pipeline: shop
entity: {key: customer}
sources:
  calls:
    file: calls.jsonl
    time: {field: t, unit: ms, disorder: 2h}
    fields: {length: {type: int}, cost: {type: decimal(2)}}
  orders: {topic: orders, time: {field: t, unit: ms}}
windows: {week: 7d, month: 28d, year: 365d}
features:
  calls: {from: calls, agg: count, over: [week, month]}
  length: {expr: "calls_week * 2"}
  silence: {from: calls, agg: recency}
  cost: {from: calls, agg: sum, of: cost, over: year}
scores:
  churn:
    model: scorecard
    intercept: -3
    points: [{when: "silence > 7d", add: 1, reason: SILENT}]
alerts:
  leaving: {when: "churn > 0.5", cooldown: 7d}
)");
  EXPECT_EQ(file.plan.fingerprint, flat.plan.fingerprint);
  std::string told = ExplainPipeline(file);
  const std::string includes = "Includes base.yaml\n";
  ASSERT_THAT(told, HasSubstr(includes));
  EXPECT_EQ(told.erase(told.find(includes), includes.size()), ExplainPipeline(flat));
  EXPECT_THAT(FeatureNames(file), ElementsAre("calls_week", "calls_month", "length", "silence", "cost"));
  EXPECT_EQ(file.sources[1].origin, SourceConfig::Origin::kTopic);
  EXPECT_TRUE(file.tests.empty()) << "tests of the base are about the base";
}

TEST_F(IncludeTest, TheFingerprintCoversWhatIsIncluded) {
  const std::string text = "include: base.yaml\npipeline: shop\n";
  const std::string before = Good(text).plan.fingerprint;
  std::string changed = kBase;
  changed.replace(changed.find("intercept: -2"), 13, "intercept: -4");
  Write("base.yaml", changed);
  EXPECT_NE(Good(text).plan.fingerprint, before);
  Write("base.yaml", std::string("# a comment\n") + kBase);
  EXPECT_EQ(Good(text).plan.fingerprint, before);
}

TEST_F(IncludeTest, PathsBelongToTheFileTheyStandIn) {
  Write("lib/sources.yaml",
        "entity: {key: \"${file:key}\"}\nsources: {calls: {file: data/*.jsonl, time: {field: t, unit: ms}}}\n");
  Write("lib/key", "customer\n");
  Write("lib/all.yaml", "include: sources.yaml\n");
  const PipelineFile file =
      Good("include: [lib/all.yaml]\npipeline: p\nsources: {own: {file: own.jsonl, time: {field: t, unit: ms}}}\n");
  EXPECT_EQ(file.entity_key, "customer");
  EXPECT_EQ(file.sources[0].folder, folder_ + "/lib");
  EXPECT_EQ(file.sources[1].folder, folder_);
  ASSERT_EQ(file.parts.size(), 3u);
  EXPECT_EQ(file.parts[2].name, "lib/sources.yaml");
  // The path is new, so it belongs to the file that says it.
  EXPECT_EQ(Good("include: lib/all.yaml\npipeline: p\nsources: {calls: {file: x.jsonl}}\n").sources[0].folder, folder_);
}

TEST_F(IncludeTest, ErrorsStandInTheRightFile) {
  std::string broken = kBase;
  broken.replace(broken.find("agg: recency"), 12, "agg: recancy");
  Write("lib/broken.yaml", broken);
  Write("lib/all.yaml", "# all\ninclude:\n  - broken.yaml\n");
  EXPECT_EQ(Errors("include: lib/all.yaml\nwindows: {week: 7}\n"), R"(main.yaml:2:17: error E0201: '7' isn't a duration
    2 | windows: {week: 7}
      |                 ^ the unit is missing; write 7d?
  ebb explain E0201
)" + Errors("include: lib/all.yaml\n"));
  EXPECT_THAT(Errors("include: lib/all.yaml\n"),
              testing::StartsWith(R"(lib/broken.yaml:13:31: error E0104: unknown aggregation 'recancy'
   13 |   silence: {from: calls, agg: recancy}
      |                               ^^^^^^^ did you mean 'recency'?
  included at lib/all.yaml:3:5
  included at main.yaml:1:10
)"));
  const LoadResult loaded = Load("include: lib/all.yaml\n");
  EXPECT_THAT(RenderJson(loaded.diagnostics), HasSubstr(R"({"file":"lib/broken.yaml","code":"E0104","line":13)"));
}

TEST_F(IncludeTest, AFileThatIsIncludedTwiceIsReadOnce) {
  Write("a.yaml", "include: base.yaml\nwindows: {day: 1d}\n");
  Write("b.yaml", "include: ./base.yaml\nwindows: {year: 365d}\n");
  const PipelineFile file = Good("include: [a.yaml, b.yaml, \"${EBB_BASE}.yaml\"]\n");
  EXPECT_EQ(file.parts.size(), 4u);
  EXPECT_EQ(file.plan.windows.size(), 4u);
  Write("base.yaml", "a: [\n");
  EXPECT_EQ(Load("include: [a.yaml, b.yaml]\n").diagnostics.size(), 1u);
}

TEST_F(IncludeTest, FilesSideBySideMustAgree) {
  Write("a.yaml", "include: base.yaml\nfeatures: {silence: {where: dropped}}\nalerts: {leaving: {cooldown: 1d}}\n");
  const std::string errors = Errors("include: [base.yaml, a.yaml]\n");
  EXPECT_THAT(errors, HasSubstr("main.yaml:1:22: error E0018: 'features.silence' means two different things"));
  EXPECT_THAT(errors, HasSubstr("at base.yaml:13:3, and at a.yaml:2:12"));
  EXPECT_THAT(errors, HasSubstr("'alerts.leaving' means"));
  const PipelineFile file = Good(
      "include: [base.yaml, a.yaml]\nfeatures: {silence: {from: calls, agg: recency}}\n"
      "alerts: {leaving: null}\n");
  ASSERT_EQ(file.plan.alerts.size(), 1u);
}

TEST_F(IncludeTest, RemovesOnlyWhatIsThere) {
  EXPECT_THAT(
      Errors("include: base.yaml\nalerts: {leavin: null}\n"),
      HasSubstr("main.yaml:2:10: error E0019: there is nothing to remove: no included file has 'alerts.leavin'"));
  EXPECT_THAT(Errors("include: base.yaml\nalerts: {leavin: null}\n"), HasSubstr("did you mean 'leaving'?"));
  EXPECT_TRUE(Good("include: base.yaml\nalerts: null\nscores: null\n").plan.alerts.empty());
  // An origin that is replaced is gone already; to say so is no mistake.
  Good("include: base.yaml\nsources: {orders: {topic: o, generate: null}}\n");
  EXPECT_THAT(Errors(std::string(kBase) + "reasons: null\n"), HasSubstr("E0103")) << "nothing is included";
}

TEST_F(IncludeTest, LimitsHold) {
  for (int i = 1; i <= kMaxIncludeDepth + 1; ++i) {
    Write(fmt::format("chain{}.yaml", i), fmt::format("include: chain{}.yaml\n", i + 1));
  }
  Write(fmt::format("chain{}.yaml", kMaxIncludeDepth), kBase);
  Good("include: chain1.yaml\n");
  Write(fmt::format("chain{}.yaml", kMaxIncludeDepth), fmt::format("include: chain{}.yaml\n", kMaxIncludeDepth + 1));
  Write(fmt::format("chain{}.yaml", kMaxIncludeDepth + 1), kBase);
  EXPECT_THAT(Errors("include: chain1.yaml\n"), HasSubstr("chain8.yaml:1:10: error E0017"));
  std::string list = "include: [base.yaml";
  for (int i = 1; i < kMaxIncludedFiles; ++i) {
    Write(fmt::format("w{}.yaml", i), fmt::format("windows: {{w{}: {}d}}\n", i, i));
    list += fmt::format(", w{}.yaml", i);
  }
  EXPECT_EQ(Good(list + "]\n").plan.windows.size(), static_cast<size_t>(kMaxIncludedFiles) + 1);
  Write("more.yaml", "windows: {more: 1d}\n");
  EXPECT_THAT(Errors(list + ", more.yaml]\n"), HasSubstr("E0017"));
}

TEST_F(IncludeTest, EveryPackCanBeBuiltOn) {
  for (const Pack& pack : Packs()) {
    const PipelineFile whole = Good(pack.text);
    const PipelineFile own = Good(fmt::format("include: pack:{}\n", pack.name));
    EXPECT_EQ(own.plan.fingerprint, whole.plan.fingerprint) << pack.name;
    EXPECT_THAT(ExplainPipeline(own), HasSubstr(fmt::format("Includes pack:{}\n", pack.name)));
    const PipelineFile other =
        Good(fmt::format("include: [pack:{}]\nalerts: {{{}: {{cooldown: 99d}}}}\n", pack.name, pack.rule));
    EXPECT_NE(other.plan.fingerprint, whole.plan.fingerprint) << pack.name;
    EXPECT_EQ(other.plan.alerts.size(), whole.plan.alerts.size());
  }
}

}  // namespace
}  // namespace ebb
