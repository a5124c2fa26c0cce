// A pipeline file: it is taken, or refused with errors that have a code, a sentence and a place; both can be shown.
#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>

#include "config/error_codes.h"
#include "config/explain.h"
#include "config/pipeline.h"
#include "engine/base/check.h"

namespace ebb {
namespace {

void Check(const std::string& text) {
  const auto environment = [](const std::string&) -> std::optional<std::string> { return std::nullopt; };
  const LoadResult loaded = LoadPipelineText(text, "fuzz.yaml", {environment, "/nonexistent"});
  EBB_CHECK(loaded.pipeline.has_value() == loaded.diagnostics.empty());
  if (loaded.pipeline) {
    EBB_CHECK(loaded.pipeline->plan.fingerprint.size() == 16);
    EBB_CHECK(!ExplainPipeline(*loaded.pipeline).empty());
    return;
  }
  const auto lines = static_cast<int>(std::count(text.begin(), text.end(), '\n'));
  for (const Diagnostic& error : loaded.diagnostics.Sorted()) {
    EBB_CHECK(FindErrorCode(error.code) != nullptr, "code '{}'", error.code);
    EBB_CHECK(!error.message.empty() && error.message.find('\n') == std::string::npos, "{}", error.message);
    const int carriage_returns = static_cast<int>(std::count(text.begin(), text.end(), '\r'));
    if (error.span.begin.file == 0) EBB_CHECK(error.span.begin.line <= lines + carriage_returns + 2);
  }
  EBB_CHECK(!RenderText(loaded.diagnostics).empty());
  EBB_CHECK(RenderJson(loaded.diagnostics).back() == '\n');
}

}  // namespace
}  // namespace ebb

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  ebb::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
