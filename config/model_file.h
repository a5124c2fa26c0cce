// Model files: the terms of a score as JSON, from wherever the model was trained (docs/models.md,
// docs/model.schema.json). JSON is YAML, so every error knows its line and column.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.h"
#include "config/expression_compile.h"
#include "config/yaml.h"
#include "operators/plan.h"

namespace ebb {

// What a model's names may stand for. Confined to its task's thread.
struct ModelScope {
  const std::map<std::string, Symbol, std::less<>>* names = nullptr;  // features and scores
  const std::vector<FeatureName>* features = nullptr;
  ProgramBuilder* builder = nullptr;
};

// The names that a model reads, without any check.
std::vector<std::string> NamesInModel(const YamlNode& root);
// Fills intercept, link, terms, calibration, id and version of the score; reports whatever can't be right.
void ReadModel(const YamlNode& root, const ModelScope& scope, Diagnostics* diagnostics, ScorePlan* score);

// `calibration`, of a model file or of a scorecard in a pipeline file.
void ReadCalibration(const YamlNode& node, Span where, Diagnostics* diagnostics, CalibrationPlan* calibration);
// Capital letters and underscores, at most 64; empty after reporting anything else.
std::string ReadReasonCode(const YamlNode& node, Diagnostics* diagnostics);

}  // namespace ebb
