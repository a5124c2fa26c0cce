// The section `tests:`: records that are given, and what is expected of them.
#include <algorithm>

#include <fmt/format.h>

#include "config/assembler.h"
#include "config/run_tests.h"

namespace ebb {
namespace {

constexpr std::string_view kStatuses[] = {"opened", "escalated", "updated", "resolved", "expired"};

}  // namespace

void Assembler::ReadTests(const YamlNode& node) {
  if (!node.is_sequence()) {
    diagnostics_->Add("E0103", node.span, "'tests:' takes a list of {name, given, until, expect}");
    return;
  }
  for (const YamlNode& test : node.values) ReadTest(test);
}

void Assembler::ReadTest(const YamlNode& node) {
  PipelineTest test;
  test.line = node.span.begin.line;
  MappingReader reader(node, node.span, "this test", diagnostics_);
  if (!reader.ok()) return;
  if (const YamlNode* name = reader.Require("name")) test.name = ReadText(*name, "name", diagnostics_).value_or("");
  const YamlNode* given = reader.Require("given");
  const YamlNode* until = reader.Take("until");
  const YamlNode* expect = reader.Require("expect");
  if (given != nullptr) ReadGiven(*given, &test);
  for (const TestRecord& record : test.given) test.until = std::max(test.until, record.at);
  if (until != nullptr) {
    std::optional<DurationMs> end = ReadDuration(*until, "until", diagnostics_);
    if (end && *end < test.until) {
      diagnostics_->Add("E0203", until->span, fmt::format("{} is before the last record", ShownText(*until)),
                        fmt::format("at least {}", FormatDuration(test.until)));
    }
    test.until = end.value_or(test.until);
  }
  if (expect != nullptr && !expect->is_sequence()) {
    diagnostics_->Add("E0103", expect->span, "'expect:' takes a list");
  } else if (expect != nullptr) {
    for (const YamlNode& item : expect->values) ReadExpectation(item, &test);
  }
  reader.Finish();
  out_.tests.push_back(std::move(test));
}

void Assembler::ReadGiven(const YamlNode& node, PipelineTest* test) {
  if (!node.is_sequence()) {
    diagnostics_->Add("E0103", node.span, "'given:' takes a list of {SOURCE: {at: 0d, ...}}");
    return;
  }
  for (const YamlNode& item : node.values) {
    if (!item.is_mapping() || item.keys.size() != 1) {
      diagnostics_->Add("E0501", item.span, "a record is {SOURCE: {at: 0d, ...}}, with one source");
      continue;
    }
    TestRecord record;
    record.source = FindName(item.keys[0], "E0105", "source", plan_.sources);
    if (record.source < 0) continue;
    ReadGivenValues(item.values[0], item.keys[0].span, &record);
    test->given.push_back(std::move(record));
  }
}

// Values stand under the fields' names, or under the last part of their paths.
void Assembler::ReadGivenValues(const YamlNode& node, Span where, TestRecord* record) {
  const SourceSchema& schema = out_.sources[record->source].schema;
  const SourceDraft& draft = *drafts_[record->source];
  MappingReader reader(node, where, fmt::format("this record of {}", Quoted(schema.name)), diagnostics_);
  if (!reader.ok()) return;
  if (const YamlNode* at = reader.Require("at")) record->at = ReadDuration(*at, "at", diagnostics_).value_or(0);
  if (const YamlNode* customer = reader.Require(out_.entity_key)) {
    record->customer = ReadText(*customer, out_.entity_key, diagnostics_).value_or("");
    if (record->customer.size() > kMaxKeyBytes) {
      diagnostics_->Add("E0203", customer->span, fmt::format("a key has at most {} bytes", kMaxKeyBytes));
    }
  }
  for (size_t slot = 0; slot < schema.fields.size(); ++slot) {
    const Field& field = schema.fields[slot];
    const YamlNode* value = reader.Take(field.name);
    if (value == nullptr && field.name != LastPart(field.path, schema.format)) {
      value = reader.Take(LastPart(field.path, schema.format));
    }
    const auto symbol = draft.names.find(field.name);  // an id need not have one
    const bool known_type = symbol == draft.names.end() || symbol->second.type != ExprType::kUnknown;
    if (value == nullptr || !known_type) {
      if (field.missing) record->slots.emplace_back(static_cast<int>(slot), *field.missing);
    } else if (value->is_scalar() && value->style == YamlNode::Style::kPlain && value->text == "null") {
      record->nulls.push_back(static_cast<int>(slot));
    } else if (std::optional<int64_t> read = ReadGivenValue(*value, field)) {
      record->slots.emplace_back(static_cast<int>(slot), *read);
    }
  }
  if (!draft.broken) reader.Finish();
}

// A time may be written as tests write all of theirs: as the duration since the test's beginning.
std::optional<int64_t> Assembler::ReadGivenValue(const YamlNode& node, const Field& field) {
  if (field.type == FieldType::kTime && node.is_scalar()) {
    if (const std::optional<DurationMs> since = ParseDuration(node.text)) return kTestStart + *since;
  }
  return ReadSlotValue(node, field.type, field.decimals);
}

void Assembler::ReadExpectation(const YamlNode& node, PipelineTest* test) {
  TestExpectation expectation;
  expectation.line = node.span.begin.line;
  expectation.to = test->until;
  MappingReader reader(node, node.span, "this expectation", diagnostics_);
  if (!reader.ok()) return;
  constexpr std::string_view kKinds[] = {"alert", "feature", "score"};
  std::optional<std::string> kind = reader.ExactlyOne(kKinds);
  if (const YamlNode* customer = reader.Require("customer")) {
    expectation.customer = ReadText(*customer, "customer", diagnostics_).value_or("");
  }
  if (!kind) return;
  const YamlNode& name = *node.Find(*kind);
  if (const YamlNode* at = reader.Take("at")) {
    expectation.to = ReadDuration(*at, "at", diagnostics_).value_or(0);
    expectation.from = expectation.to;
    expectation.at_place = at->span;
  }
  if (*kind == "alert") {
    expectation.alert = FindName(name, "E0114", "alert", alert_names_);
    ReadExpectedAlert(&reader, &expectation);
  } else {
    if (*kind == "score") {
      expectation.score = FindName(name, "E0108", "score", score_names_);
    } else {
      expectation.feature = FindFeature(name);
    }
    ReadExpectedValue(&reader, &expectation);
  }
  reader.Finish();
  if (expectation.to > test->until) {
    diagnostics_->Add("E0501", node.span, fmt::format("the test ends before {}", FormatDuration(expectation.to)),
                      fmt::format("write until: {}", FormatDuration(expectation.to)));
  }
  test->expect.push_back(std::move(expectation));
}

void Assembler::ReadExpectedAlert(MappingReader* reader, TestExpectation* expectation) {
  if (const YamlNode* between = reader->Take("between")) {
    std::vector<DurationMs> ends;
    if (between->is_sequence()) {
      for (const YamlNode& item : between->values) {
        ends.push_back(ReadDuration(item, "between", diagnostics_).value_or(0));
      }
    }
    if (ends.size() != 2 || ends[0] > ends[1]) {
      diagnostics_->Add("E0501", between->span, "'between:' takes two durations, the smaller first", "as in [7d, 8d]");
    } else if (reader->Take("at") != nullptr) {
      diagnostics_->Add("E0113", reader->KeySpan("between"), "this expectation has both 'at:' and 'between:'",
                        "keep one of them");
    } else {
      expectation->from = ends[0];
      expectation->to = ends[1];
      expectation->from_place = between->values[0].span;
      expectation->to_place = between->values[1].span;
    }
  }
  if (const YamlNode* reason = reader->Take("reason")) {
    expectation->reason = ReadReason(*reason);
    expectation->reason_place = reason->span;
  }
  if (const YamlNode* status = reader->Take("status")) {
    std::optional<size_t> index = ReadWord(*status, "status", kStatuses, diagnostics_);
    if (index) expectation->status = std::string(kStatuses[*index]);
  }
  if (const YamlNode* none = reader->Take("none")) {
    expectation->none = ReadBool(*none, "none", diagnostics_).value_or(false);
  }
}

void Assembler::ReadExpectedValue(MappingReader* reader, TestExpectation* expectation) {
  if (const YamlNode* is = reader->Require("is")) {
    expectation->is_place = is->span;
    if (!is->is_scalar() || is->style != YamlNode::Style::kPlain || is->text != "null") {
      expectation->value = ReadExpectedNumber(*is, *expectation);
    }
  }
  if (const YamlNode* near = reader->Take("near")) {
    expectation->tolerance = ReadExpectedNumber(*near, *expectation).value_or(0);
    if (expectation->tolerance < 0) diagnostics_->Add("E0203", near->span, "'near:' is a distance, so not negative");
  }
}

// A number, a duration or true/false, as the feature is; durations in milliseconds.
std::optional<double> Assembler::ReadExpectedNumber(const YamlNode& node, const TestExpectation& expectation) {
  if (expectation.feature >= 0) {
    const FeatureName& feature = plan_.features[expectation.feature];
    if (features_.find(feature.name)->second.type == ExprType::kUnknown) return std::nullopt;
    if (feature.is_duration) {
      std::optional<DurationMs> duration = ReadDuration(node, "is", diagnostics_);
      return duration ? std::optional<double>(static_cast<double>(*duration)) : std::nullopt;
    }
    if (feature.is_bool) {
      std::optional<bool> value = ReadBool(node, "is", diagnostics_);
      return value ? std::optional<double>(*value ? 1 : 0) : std::nullopt;
    }
  } else if (expectation.score < 0) {
    return std::nullopt;
  }
  return ReadNumber(node, "is", diagnostics_);
}

}  // namespace ebb
