// A verdict as text and as JSON.
#pragma once

#include <cstdio>
#include <string>

#include "cli/verdict.h"

namespace ebb {

// "12 days"; "5 hours" below a day.
std::string DaysText(DurationMs duration);

// A table of the rules, each with the recency rule beside it, then the scores.
void PrintTruthVerdict(std::FILE* out, const TruthVerdict& verdict, bool colour);
// {"horizon_s":...,"customers":...,"left":...,"rules":{...},"scores":{...}}
void AppendTruthVerdict(const TruthVerdict& verdict, std::string* out);

}  // namespace ebb
