// The way from the YAML tree to a PipelineFile: one section of the file after the other, each reporting all of its
// errors and leaving what is broken as a name of unknown type, so that one mistake is reported once.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/expression_compile.h"
#include "config/pipeline.h"
#include "config/reader.h"
#include "operators/aggregate/aggregate.h"

namespace ebb {

// A source while its record program grows. Confined to its task's thread.
struct SourceDraft {
  struct FieldInfo {
    std::string name;
    FieldType type = FieldType::kInt;
    int decimals = 0;
    bool nullable = false;
  };

  std::string name;
  bool reference = false;
  bool broken = false;  // its fields aren't all known: unknown ones are not reported
  std::map<std::string, Symbol, std::less<>> names;
  std::vector<FieldInfo> fields;          // by slot
  std::vector<bool> read;                 // by slot: an expression reads it
  std::map<std::string, int> conditions;  // slots of hidden fields by the text of their condition
  int time_reg = -1;                      // of the record's time, when an expression reads it
  ProgramBuilder builder;
};

// What all features of one entry share.
struct MeasureDraft {
  MeasurePlan measure;
  int part_slot = -1;        // of the condition `part:`
  int comparison_slot = -1;  // of `part:` and `to:` together
  bool max_items_given = false;
  const YamlNode* part = nullptr;
  const YamlNode* to = nullptr;
};

// A feature that is computed from others.
struct DerivedDraft {
  std::string name;
  const YamlNode* node = nullptr;
  Expression expression;
  int feature = -1;     // index into Plan::features
  int population = -1;  // index into Plan::populations: a statistic of the expression; -1: the expression itself
};

// A model file that has been parsed. Confined to its task's thread.
struct ModelDraft {
  std::optional<YamlNode> root;
  Diagnostics diagnostics;
};

// A score before it is compiled, with the names that it reads.
struct ScoreDraft {
  const YamlNode* key = nullptr;
  const YamlNode* node = nullptr;
  std::vector<std::string> reads;
  std::optional<ModelDraft> model;
};

// Confined to its task's thread.
class Assembler {
 public:
  Assembler(const YamlNode& root, Diagnostics* diagnostics, PipelineFile* out)
      : root_(root), diagnostics_(diagnostics), out_(*out), plan_(out->plan) {}

  void Run();

 private:
  static constexpr size_t kMaxFeatures = 4096;
  static constexpr size_t kMaxSources = 64;
  static constexpr size_t kMaxWindows = 256;
  static constexpr size_t kMaxScores = 64;
  static constexpr size_t kMaxAlerts = 64;
  static constexpr size_t kMaxTiles = 10000;  // of one window
  static constexpr int kMaxKept = 10000;      // max_items, max_events, max_sessions, last
  static constexpr int kDefaultPairs = 256;   // max_items of tallies

  // pipeline.cc
  void ReadHead(MappingReader* reader);
  // An expression in a scalar; errors are reported inside it. The node must outlive the expression's use.
  std::optional<Expression> Parse(const YamlNode& node, std::string_view what);
  Compiled Compile(const YamlNode& node, const Expression& expression, Want want, Scope* scope);
  void Report(const YamlNode& node, const std::vector<ExpressionIssue>& issues);
  // The names of a mapping whose keys are names of the user's: each good one with its index among the keys.
  std::vector<size_t> NamedEntries(const YamlNode& node, std::string_view what);
  // Index of a name in `known`, or -1 after reporting it.
  int FindName(const YamlNode& node, std::string_view code, std::string_view kind,
               const std::vector<std::string>& known);

  // sources.cc
  void ReadSources(const YamlNode& node);
  void ReadSource(const YamlNode& key, const YamlNode& node);
  void ReadKeyAndTime(MappingReader* reader, SourceSchema* schema);
  void ReadId(MappingReader* reader, SourceConfig* source, SourceDraft* draft);
  void ReadTime(const YamlNode& node, Span where, SourceConfig* source);
  std::string ReadPath(const YamlNode& node, std::string_view what, Format format);
  void ReadFields(const YamlNode& node, SourceConfig* source, SourceDraft* draft);
  bool ReadField(const YamlNode& key, const YamlNode& node, Format format, Field* field);
  void ReadComputed(const YamlNode& fields, const std::vector<size_t>& computed, SourceConfig* source,
                    SourceDraft* draft);
  bool ReadType(const YamlNode& node, FieldType* type, int* decimals);
  // A slot value as the file writes it, or empty after reporting it.
  std::optional<int64_t> ReadSlotValue(const YamlNode& node, FieldType type, int decimals);
  Scope RecordScope(SourceDraft* draft) const;
  Compiled CompileRecord(const YamlNode& node, const Expression& expression, Want want, SourceDraft* draft);
  void FinishSources();

  // reference_sources.cc
  // Makes the fields of reference sources known to expressions on customers, as SOURCE.FIELD.
  void NameReferences();

  // windows.cc
  void ReadAccuracy(const YamlNode& node, Span where);
  void ReadWindows(const YamlNode& node);
  void ReadWindow(const YamlNode& key, const YamlNode& node);
  bool ChooseTile(const YamlNode& node, WindowPlan* window);
  bool CheckTile(const YamlNode& node, const WindowPlan& window);
  bool ReadHop(const YamlNode& length, const YamlNode& hop, const YamlNode* offset, WindowPlan* window);

  // features.cc
  void ReadFeatures(const YamlNode& node);
  void ReadMeasures(const YamlNode& key, MappingReader* reader);
  bool ReadOf(const YamlNode& of, const Aggregate& aggregate, const SourceDraft& source, MeasurePlan* measure);
  int ReadFilter(const YamlNode& node, std::string_view what, int source);
  int AddHiddenField(const YamlNode& node, const std::string& name, FieldType type, size_t begin, int reg, int source);
  void AddMeasures(const YamlNode& key, MappingReader* reader, const MeasureDraft& draft, bool broken);
  Symbol AddMeasure(const std::string& name, const Aggregate& aggregate, const MeasureDraft& draft, int window);
  void AddFeature(const std::string& name, Span where, Symbol symbol);
  void CompileDerived();
  // config/population.cc
  void ReadPopulation(const YamlNode& key, MappingReader* reader);
  void FinishPopulation(PopulationPlan* population, const Compiled& compiled, FeatureName* feature, Symbol* symbol);

  // feature_options.cc
  using AggregateList = std::vector<const Aggregate*>;
  // Names of all aggregates for which `which` holds, for messages.
  static std::string NamesOf(bool (*which)(const Aggregate&));
  void ReadOptions(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft);
  void ReadLimits(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft);
  void ReadConditions(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft);
  void ReadShape(MappingReader* reader, const AggregateList& aggregates, MeasureDraft* draft);
  // The key's value when the entry has it; reports a key that suits none of the aggregates, and one that is missing.
  const YamlNode* TakeOption(MappingReader* reader, std::string_view key, const AggregateList& aggregates,
                             AggregateOption option, std::string_view required_as = "");
  bool CheckWindow(const YamlNode& node, const Aggregate& aggregate, const MeasurePlan& measure,
                   const WindowPlan& window);
  bool CheckOver(const YamlNode& key, const Aggregate& aggregate, const MeasurePlan& measure, const YamlNode* over,
                 bool several, MappingReader* reader);

  // scores.cc
  void ReadScores(const YamlNode& node);
  void AdoptOnlyEvaluate(const std::vector<ScoreDraft>& drafts);
  void DraftScore(ScoreDraft* draft);
  void ReadScore(ScoreDraft* draft);
  void ReadPoints(const YamlNode& node, Span where, ScorePlan* score);
  void ReadPoint(const YamlNode& node, Scope* scope, ScorePlan* score);
  void ReadEvaluate(const YamlNode& node, Span where, EvaluatePlan* out);
  void DropUnusedEvaluations();
  int EvaluationOf(MappingReader* reader, int otherwise);
  void ReadBands(const YamlNode& node, Span where, ScorePlan* score);
  std::string ReadReason(const YamlNode& node);
  void ReadBaseline(const YamlNode& node, Span where, Scope* scope, PointPlan* point);
  void ReadReasonTexts(const YamlNode& node);
  Scope FeatureScope();
  void AddDeadlines(const std::vector<DeadlinePlan>& deadlines, int evaluation);

  // models.cc
  static bool IsModelFile(const YamlNode& model);
  std::optional<ModelDraft> OpenModel(const YamlNode& model);
  void CompileModel(const YamlNode& model, ModelDraft* draft, ScorePlan* score);
  void ReportInside(const YamlNode& model, const Diagnostics& inside);

  // alerts.cc
  void ReadAlerts(const YamlNode& node);
  void ReadAlert(const YamlNode& key, const YamlNode& node);
  void ReadSeverities(const YamlNode& node, Span where, Scope* scope, AlertPlan* alert,
                      std::vector<DeadlinePlan>* deadlines);
  void ReadRevisions(const YamlNode& node, AlertPlan* alert);
  void ReadHoldout(const YamlNode& node, AlertPlan* alert);
  void ReadAction(const YamlNode& node, Span where, Scope* scope, AlertPlan* alert);
  void ChooseExplained(const YamlNode* explain, const Expression& when, AlertPlan* alert);
  void DefaultFeatures(const std::vector<int>& named, AlertPlan* alert);
  std::vector<int> ReadFeatureList(const YamlNode& node);
  // Index of a feature by its name, or -1 after reporting it.
  int FindFeature(const YamlNode& node);

  // limits.cc
  void ReadAlertLimits(const YamlNode& node, Span where);
  void ReadCustomerLimit(const YamlNode& node, Span where);
  // `per:` and `closes:`, which have their defaults.
  void ReadPeriod(MappingReader* reader, DurationMs* per, DurationMs* closes);
  void ReadBudget(const YamlNode& key, const YamlNode& node);
  // The register of a number; its text is kept as "WHAT NAME".
  int CompileNumber(const YamlNode& node, const std::string& what, const std::string& name, Scope* scope);
  void ReadBudgetOf(MappingReader* reader, const YamlNode* priority, Scope* scope, AlertPlan* alert);
  void ReadQuiet(const YamlNode& node, Span where, Scope* scope, AlertPlan* alert);
  void ReadZone(const YamlNode& node, Scope* scope, AlertPlan* alert);
  bool ReadNamedZone(const YamlNode& node, const Scope& scope, QuietPlan* quiet);
  void ReadFixedZone(const YamlNode& node, std::string_view what, DurationMs* zone);

  // outputs.cc
  void ReadOutputs(const YamlNode& node, Span where);
  OutputConfig ReadOutput(MappingReader* reader);
  void ReadScoreOutput(const YamlNode& node, Span where);
  void DefaultBands(Span where);

  // kafka.cc
  void ReadKafka(const YamlNode& node, Span where);
  void ReadClientProperties(const YamlNode& node, KafkaConfig* kafka);
  void ReadPartitioner(MappingReader* reader, SourceConfig* source);

  // tests.cc
  void ReadTests(const YamlNode& node);
  void ReadTest(const YamlNode& node);
  void ReadGiven(const YamlNode& node, PipelineTest* test);
  void ReadGivenValues(const YamlNode& node, Span where, TestRecord* record);
  std::optional<int64_t> ReadGivenValue(const YamlNode& node, const Field& field);
  void ReadExpectation(const YamlNode& node, PipelineTest* test);
  void ReadExpectedAlert(MappingReader* reader, TestExpectation* expectation);
  void ReadExpectedValue(MappingReader* reader, TestExpectation* expectation);
  std::optional<double> ReadExpectedNumber(const YamlNode& node, const TestExpectation& expectation);

  const YamlNode& root_;
  Diagnostics* diagnostics_;
  PipelineFile& out_;
  Plan& plan_;
  ProgramBuilder builder_;
  std::vector<std::unique_ptr<SourceDraft>> drafts_;     // by ordinal
  std::map<std::string, Symbol, std::less<>> features_;  // features, scores and SOURCE.FIELD by name
  std::set<std::string, std::less<>> event_fields_;      // SOURCE.FIELD of sources of events
  std::map<std::string, Span> defined_at_;               // where each of them is defined
  std::vector<DerivedDraft> derived_;
  std::vector<std::string> window_names_, score_names_, budget_names_, alert_names_;
  std::vector<bool> window_broken_;  // by window
};

// What an expression makes of a field.
ExprType ExprTypeOf(FieldType type);

// The last member of a JSON pointer, or the column.
std::string LastPart(const std::string& path, Format format);

// 16 hexadecimal digits over everything in the plan and the sources that decides a result.
std::string Fingerprint(const PipelineFile& pipeline);

}  // namespace ebb
