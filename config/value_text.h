// Values of features and scores for people.
#pragma once

#include <string>

#include "operators/plan.h"

namespace ebb {

// "12d", "true", "0.75", "null". Null as `feature` is a plain number, as scores are.
std::string ValueText(const FeatureName* feature, double value);

}  // namespace ebb
