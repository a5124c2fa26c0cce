// The section `outputs:`: where alerts, scores, holdouts and the quarantine go.
#include <fmt/format.h>

#include "config/assembler.h"

namespace ebb {

void Assembler::ReadOutputs(const YamlNode& node, Span where) {
  MappingReader reader(node, where, "'outputs:'", diagnostics_);
  const std::pair<std::string_view, OutputConfig*> kPlain[] = {
      {"alerts", &out_.alerts}, {"shadow", &out_.shadow}, {"quarantine", &out_.quarantine}};
  for (auto [name, output] : kPlain) {
    const YamlNode* value = reader.Take(name);
    if (value == nullptr) continue;
    MappingReader parts(*value, reader.KeySpan(name), fmt::format("output {}", Quoted(name)), diagnostics_);
    *output = ReadOutput(&parts);
    parts.Finish();
  }
  if (const YamlNode* scores = reader.Take("scores")) ReadScoreOutput(*scores, reader.KeySpan("scores"));
  reader.Finish();
}

OutputConfig Assembler::ReadOutput(MappingReader* reader) {
  OutputConfig output;
  if (!reader->ok()) return output;
  constexpr std::string_view kPlaces[] = {"file", "topic"};
  std::optional<std::string> place = reader->ExactlyOne(kPlaces);
  if (!place) return output;
  std::string& target = *place == "file" ? output.file : output.topic;
  target = ReadText(*reader->Take(*place), *place, diagnostics_).value_or("");
  return output;
}

void Assembler::ReadScoreOutput(const YamlNode& node, Span where) {
  MappingReader reader(node, where, "output 'scores'", diagnostics_);
  out_.scores = ReadOutput(&reader);
  constexpr std::string_view kOn[] = {"every", "band_change"};
  plan_.outputs.scores = OutputPlan::Scores::kEvery;
  if (const YamlNode* on = reader.Take("on")) {
    if (ReadWord(*on, "on", kOn, diagnostics_) == size_t{1}) {
      plan_.outputs.scores = OutputPlan::Scores::kBandChange;
      DefaultBands(on->span);
    }
  }
  if (const YamlNode* features = reader.Take("features")) {
    if (features->is_scalar() && features->text == "all") {
      for (size_t i = 0; i < plan_.features.size(); ++i) plan_.outputs.score_features.push_back(static_cast<int>(i));
    } else {
      plan_.outputs.score_features = ReadFeatureList(*features);
    }
  }
  reader.Finish();
}

// Band changes need bands. A probability has thirds of its own; a plain sum has no scale that could be known.
void Assembler::DefaultBands(Span where) {
  for (ScorePlan& score : plan_.scores) {
    if (!score.bands.empty()) continue;
    if (score.logistic || score.calibration.kind != CalibrationPlan::Kind::kNone) {
      score.bands = {{"low", 0}, {"medium", 1.0 / 3}, {"high", 2.0 / 3}};
    } else {
      diagnostics_->Add("E0113", where, fmt::format("score {} has no bands that could change", Quoted(score.name)),
                        "give it bands: {low: ..., high: ...}");
    }
  }
}

}  // namespace ebb
