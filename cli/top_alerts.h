// The alerts of a run that somebody should look at first, as a table.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "config/alert_line.h"
#include "engine/task/sink.h"
#include "operators/plan.h"

namespace ebb {

// Between the alerts and where they go: keeps the weightiest of those that are opened, by severity, then expected
// value, then score; of equal ones the later. Confined to its task's thread.
class TopAlerts : public Sink {
 public:
  static constexpr size_t kKept = 10;

  struct Entry {
    AlertLine alert;
    int severity = 0;  // the mildest of its rule is 0
  };

  // `written` null: the lines go nowhere else. Both outlive this.
  TopAlerts(Sink* written, const Plan* plan) : written_(written), plan_(*plan) {}

  absl::Status Append(std::string_view lines) override;
  absl::Status Sync() override { return written_ == nullptr ? absl::OkStatus() : written_->Sync(); }
  int64_t bytes() const override { return written_ == nullptr ? 0 : written_->bytes(); }

  const std::vector<Entry>& kept() const { return kept_; }  // the weightiest first
  int64_t opened() const { return opened_; }

 private:
  void Keep(AlertLine alert);

  Sink* const written_;
  const Plan& plan_;
  std::vector<Entry> kept_;
  int64_t opened_ = 0;
};

// At most `width` columns wide. Empty when no alert was opened.
std::string TopAlertsTable(const TopAlerts& alerts, int width, bool colour, bool utf8);

}  // namespace ebb
