// Customers are judged by their warnings, warnings by their customer.
#include "cli/verdict.h"

#include <algorithm>
#include <map>

namespace ebb {
namespace {

// The warnings of one customer, by where they stand before the leaving.
struct Warned {
  TimeMs first_in_time = 0;  // 0: none
  bool afterwards = false;
  bool held_out = false;
};

WarningVerdict VerdictOf(TimeMs time, const std::optional<TimeMs>& leaves_at) {
  if (!leaves_at || *leaves_at - time > kVerdictHorizon) return WarningVerdict::kWrong;
  return time < *leaves_at ? WarningVerdict::kRight : WarningVerdict::kAfterwards;
}

void Add(const Warned& warned, TimeMs leaves_at, CauseVerdict* cause) {
  ++cause->left;
  if (warned.first_in_time != 0) {
    ++cause->in_time;
    cause->leads.push_back(leaves_at - warned.first_in_time);
  } else if (warned.held_out) {
    ++cause->held_out;
  } else if (warned.afterwards) {
    ++cause->afterwards;
  }
}

}  // namespace

int64_t Verdict::Count(WarningVerdict verdict) const {
  return std::count_if(warnings.begin(), warnings.end(),
                       [verdict](const JudgedWarning& w) { return w.verdict == verdict; });
}

Verdict Judge(const std::vector<AlertLine>& alerts, const std::string& rule, const std::vector<Truth>& truth) {
  std::map<std::string, const Truth*> known;
  for (const Truth& customer : truth) known[customer.customer_id] = &customer;
  Verdict verdict;
  verdict.customers = static_cast<int64_t>(truth.size());
  std::map<std::string, Warned> warned;
  for (const AlertLine& alert : alerts) {
    const auto found = known.find(alert.customer);
    if (alert.rule != rule || alert.status != "opened" || found == known.end()) continue;
    const WarningVerdict judged = VerdictOf(alert.event_time, found->second->leaves_at);
    Warned& customer = warned[alert.customer];
    if (alert.held_out) {
      ++verdict.held_out_warnings;
      customer.held_out |= judged != WarningVerdict::kWrong;
      continue;
    }
    verdict.warnings.push_back({&alert, judged, found->second->leaves_at, found->second->cause});
    if (judged == WarningVerdict::kRight && customer.first_in_time == 0) customer.first_in_time = alert.event_time;
    customer.afterwards |= judged == WarningVerdict::kAfterwards;
  }
  for (LeavingCause cause : {LeavingCause::kNetworkTrouble, LeavingCause::kPriceRise, LeavingCause::kCompetitor,
                             LeavingCause::kLifeChange, LeavingCause::kBadService}) {
    CauseVerdict one;
    one.cause = cause;
    for (const Truth& customer : truth) {
      if (!customer.leaves_at || customer.cause != cause) continue;
      Add(warned[customer.customer_id], *customer.leaves_at, &one);
      Add(warned[customer.customer_id], *customer.leaves_at, &verdict.all);
    }
    std::sort(one.leads.begin(), one.leads.end());
    verdict.causes.push_back(std::move(one));
  }
  std::sort(verdict.all.leads.begin(), verdict.all.leads.end());
  return verdict;
}

}  // namespace ebb
