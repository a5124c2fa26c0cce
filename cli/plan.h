// `ebb plan OLD NEW`: what becomes of a running pipeline when another file takes its place.
#pragma once

#include <string>

namespace ebb {

struct PlanOptions {
  std::string old_file, new_file;
  bool json = false;
};
// Changes nothing. Exit code: 0, or 2 when one of the files has errors.
int RunPlan(const PlanOptions& options);

}  // namespace ebb
