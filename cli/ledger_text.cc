// Columns as wide as the longest name of a source.
#include "cli/ledger_text.h"

#include <algorithm>

#include <fmt/format.h>

#include "cli/terminal.h"
#include "engine/observe/json_text.h"
#include "engine/stream/reason.h"

namespace ebb {

void PrintLedger(std::FILE* file, const Progress& progress, bool colour) {
  size_t width = 7;
  for (const auto& [source, ledger] : progress.ledger) width = std::max(width, source.size());
  fmt::print(file, "{}\n",
             Styled(fmt::format("{:<{}}  {:>12} {:>12} {:>9} {:>10} {:>12}", "Records", width, "read", "used", "late",
                                "filtered", "quarantined"),
                    Style::kBold, colour));
  for (const auto& [source, ledger] : progress.ledger) {
    fmt::print(file, "{:<{}}  {:>12} {:>12} {:>9} {:>10} {:>12}\n", source, width, Thousands(ledger.read()),
               Thousands(ledger.used), Thousands(ledger.late),
               Thousands(ledger.filtered + ledger.tombstone + ledger.duplicate), Thousands(ledger.quarantined_total()));
    if (ledger.duplicate > 0) {
      fmt::print(file, "{:<{}}    {} duplicate: their ids had been used within `dedup:`\n", "", width,
                 Thousands(ledger.duplicate));
    }
    for (int r = 1; r < kReasonCount; ++r) {
      if (ledger.quarantined[r] == 0) continue;
      const auto reason = static_cast<Reason>(r);
      fmt::print(file, "{:<{}}    {} {}: {}\n", "", width, Thousands(ledger.quarantined[r]), ReasonName(reason),
                 ReasonText(reason));
    }
  }
}

void AppendSources(const Progress& progress, std::string* out) {
  *out += ",\"sources\":{";
  for (size_t s = 0; s < progress.ledger.size(); ++s) {
    const auto& [source, ledger] = progress.ledger[s];
    if (s > 0) *out += ',';
    AppendJsonString(source, out);
    *out += fmt::format(
        ":{{\"read\":{},\"used\":{},\"late\":{},\"filtered\":{},\"duplicate\":{},\"tombstone\":{},\"quarantined\":{{",
        ledger.read(), ledger.used, ledger.late, ledger.filtered, ledger.duplicate, ledger.tombstone);
    bool first = true;
    for (int r = 1; r < kReasonCount; ++r) {
      if (ledger.quarantined[r] == 0) continue;
      *out += fmt::format("{}\"{}\":{}", first ? "" : ",", ReasonName(static_cast<Reason>(r)), ledger.quarantined[r]);
      first = false;
    }
    *out += "}}";
  }
  *out += '}';
}

}  // namespace ebb
