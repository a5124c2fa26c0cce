// Features of the form `population:`: a statistic of an expression over all customers. The expression is computed with
// the derived features, so that it may read them and they may read the statistic, but none itself.
#include <fmt/format.h>

#include "config/assembler.h"
#include "operators/feature/population.h"

namespace ebb {

void Assembler::ReadPopulation(const YamlNode& key, MappingReader* reader) {
  PopulationPlan population;
  population.name = key.text;
  std::vector<std::string_view> known;
  for (const PopulationStatistic& statistic : PopulationStatistics()) known.emplace_back(statistic.name);
  bool takes_quantile = false;
  if (const YamlNode* stat = reader->Require("stat")) {
    const size_t which = ReadWord(*stat, "stat", known, diagnostics_).value_or(0);
    population.statistic = known[which];
    takes_quantile = PopulationStatistics()[which].takes_quantile;
  }
  const YamlNode* q = reader->Take("q");
  if (q != nullptr && !takes_quantile) {
    diagnostics_->Add("E0305", reader->KeySpan("q"), "'q:' belongs to quantile");
  } else if (q != nullptr) {
    const double value = ReadNumber(*q, "q", diagnostics_).value_or(0.5);
    population.quantile = static_cast<int64_t>(value * kQuantileUnit + 0.5);
    if (!(value > 0) || value > 1 || population.quantile == 0) {
      diagnostics_->Add("E0203", q->span, fmt::format("{} is out of range for 'q:'", ShownText(*q)),
                        "more than 0, at most 1");
    }
  } else if (takes_quantile) {
    diagnostics_->Add("E0308", reader->KeySpan("stat"), "quantile needs 'q:'", "as in q: 0.9");
  }
  ReadPeriod(reader, &population.per, &population.closes);
  const YamlNode* of = reader->Take("population");
  std::optional<Expression> expression = Parse(*of, "population");
  if (expression && !population.statistic.empty()) {
    out_.texts["feature " + key.text] = expression->source;
    derived_.push_back({key.text, of, *std::move(expression), static_cast<int>(plan_.features.size()),
                        static_cast<int>(plan_.populations.size())});
    plan_.populations.push_back(std::move(population));
  }
}

void Assembler::FinishPopulation(PopulationPlan* population, const Compiled& compiled, FeatureName* feature,
                                 Symbol* symbol) {
  population->of = compiled.reg;
  population->target = builder_.NewRegister();
  const bool of_values = FindPopulationStatistic(population->statistic)->of_values;
  const bool duration = compiled.type == ExprType::kDuration && of_values;
  symbol->type = duration ? ExprType::kDuration : ExprType::kNumber;
  symbol->reg = population->target;
  feature->reg = population->target;
  feature->is_duration = duration;
}

}  // namespace ebb
