// A pipeline file, checked and assembled: everything that operators, connectors and commands need of it, as plain data.
//
//   LoadResult loaded = LoadPipelineFile("telecom.yaml");
//   if (!loaded.pipeline) std::cerr << RenderText(loaded.diagnostics);
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/variables.h"
#include "connectors/kafka/partitioner.h"
#include "engine/stream/schema.h"
#include "operators/feature/derived_fields.h"
#include "operators/plan.h"

namespace ebb {

struct SourceConfig {
  enum class Origin : uint8_t { kFile, kTopic, kGenerate };

  SourceSchema schema;
  Origin origin = Origin::kFile;
  std::string location;  // a path or glob, a topic, or the name of a generator's stream ("telecom.calls")
  std::string folder;    // to which a path is relative
  Partitioner partitioner = Partitioner::kNone;
  MisplacedRecords misplaced = MisplacedRecords::kFail;
  DerivedFieldsPlan derived;
  std::vector<std::string> slot_names;  // by slot; a condition that has a slot of its own is named by its text

  // Slots of a record: decoded fields, then computed ones.
  int slot_count() const { return static_cast<int>(schema.fields.size() + derived.computed.size()); }
};

// Where one kind of output goes; both empty: nowhere in particular.
struct OutputConfig {
  std::string file;
  std::string topic;
};

// The cluster that the topics are in, and who we are there.
struct KafkaConfig {
  std::string brokers;                        // host:port,...
  std::string group;                          // of consumers; also the beginning of transactional ids
  std::string journal;                        // topic
  std::string instance;                       // of static membership; empty: kept in the state directory
  std::map<std::string, std::string> client;  // properties of librdkafka, of ClientProperties() only
};

// One record of a test, with the slots of its fields.
struct TestRecord {
  int source = 0;
  DurationMs at = 0;  // since the beginning of the test
  std::string customer;
  std::vector<std::pair<int, int64_t>> slots;  // of decoded fields; those that the test leaves out are null, or their
                                               // `missing:` value
  std::vector<int> nulls;                      // slots that the test says are null
};

// What a test expects. Exactly one of alert, feature and score is set.
struct TestExpectation {
  int line = 0;      // of the file
  int alert = -1;    // index into Plan::alerts
  int feature = -1;  // index into Plan::features
  int score = -1;    // index into Plan::scores
  std::string customer;
  DurationMs from = 0, to = 0;  // alert: its event time lies in [from, to]; else the value is read at `to`
  std::string reason, status;   // alert: empty means any
  bool none = false;            // alert: there is no such alert
  std::optional<double> value;  // feature, score; empty: null is expected. Durations in milliseconds
  double tolerance = 0;         // |actual - value| <= tolerance
  // Where the values stand in the file; line 0: they don't.
  Span is_place, at_place, from_place, to_place, reason_place;
};

struct PipelineTest {
  std::string name;
  int line = 0;
  std::vector<TestRecord> given;  // in the order of the file
  DurationMs until = 0;           // event time goes on to here
  std::vector<TestExpectation> expect;
};

// A file that the pipeline is made of. Immutable after construction.
struct PipelinePart {
  std::string name;    // as messages call it: a path, or "pack:telecom"
  std::string folder;  // to which the files that it names are relative
};

// Immutable after construction.
struct PipelineFile {
  std::string path;
  std::vector<PipelinePart> parts;  // by Position::file: the file itself, then those that it includes
  std::string entity_key;           // what the customer is called: "customer_id"
  double max_edge_error = 0.02;
  Plan plan;
  std::vector<SourceConfig> sources;  // by ordinal
  OutputConfig alerts, shadow, quarantine, scores;
  std::optional<KafkaConfig> kafka;
  std::vector<PipelineTest> tests;
  // Expressions as they are written, for people: "feature NAME", "where NAME" (of a feature), "point SCORE N" (from 0),
  // "condition SCORE N" (of a weighted point), "when NAME" and "clear NAME" (of an alert), "severity NAME SEVERITY",
  // "priority NAME", "expected_value NAME" and "zone NAME" (of an alert),
  // "source NAME" (its `where:`).
  std::map<std::string, std::string> texts;
};

struct LoadResult {
  std::optional<PipelineFile> pipeline;  // empty when there are errors
  Diagnostics diagnostics;
};

// A field's type as the file writes it: "int", "decimal(2)".
std::string FieldTypeText(FieldType type, int decimals);

// Reads and checks the file with all that it includes; ${...} come from the process's environment and from files beside
// the file that they stand in.
LoadResult LoadPipelineFile(const std::string& path);
// The same for a text; `name` stands in messages, and includes are relative to the folder of `variables`.
LoadResult LoadPipelineText(const std::string& text, const std::string& name, const VariableSource& variables);

}  // namespace ebb
