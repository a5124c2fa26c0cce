// The record ledger as a table and as JSON.
#pragma once

#include <cstdio>
#include <string>

#include "engine/task/progress.h"

namespace ebb {

// One line per source, below it one per reason of the quarantine. Records that were filtered, empty or repeated stand
// in one column.
void PrintLedger(std::FILE* file, const Progress& progress, bool colour);
// ,"sources":{"calls":{"read":...,"quarantined":{"json_syntax":...}}}
void AppendSources(const Progress& progress, std::string* out);

}  // namespace ebb
