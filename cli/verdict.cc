// Customers are judged by their warnings, warnings by their customer, scores by pairs of customers.
#include "cli/verdict.h"

#include <algorithm>
#include <limits>
#include <set>

#include "absl/container/flat_hash_map.h"

namespace ebb {
namespace {

// The warnings of one leaver, by where they stand before the leaving.
struct Warned {
  std::optional<TimeMs> first_in_time;
  bool afterwards = false;
};

WarningVerdict VerdictOf(TimeMs time, const Truth* leaving, DurationMs horizon) {
  if (leaving == nullptr || *leaving->leaves_at - time > horizon) return WarningVerdict::kWrong;
  return time < *leaving->leaves_at ? WarningVerdict::kRight : WarningVerdict::kAfterwards;
}

void Add(const Warned& warned, TimeMs leaves_at, CauseVerdict* cause) {
  ++cause->left;
  if (warned.first_in_time) {
    ++cause->in_time;
    cause->leads.push_back(leaves_at - *warned.first_in_time);
  } else if (warned.afterwards) {
    ++cause->afterwards;
  }
}

std::vector<Warning> SilencesReaching(const std::vector<Silence>& silences, DurationMs cooldown, DurationMs length) {
  absl::flat_hash_map<std::string_view, TimeMs> last;
  std::vector<Warning> warnings;
  for (const Silence& silence : silences) {
    const TimeMs at = silence.from + length;
    if (silence.to - silence.from < length) continue;
    const auto [place, first] = last.emplace(silence.customer, at);
    if (!first && at < place->second + cooldown) continue;
    place->second = at;
    warnings.push_back({silence.customer, at, nullptr});
  }
  return warnings;
}

// Pairs of a leaver and a stayer at one instant, and those in which the leaver's value is higher; equal ones are half.
struct Pairs {
  double all = 0, right = 0;

  // `values`: value and whether the customer leaves.
  void Add(std::vector<std::pair<double, bool>>* values) {
    std::sort(values->begin(), values->end());
    double stayers = 0, leavers = 0;  // with a lower value
    for (size_t i = 0; i < values->size();) {
      double equal_stayers = 0, equal_leavers = 0;
      const double value = (*values)[i].first;
      for (; i < values->size() && (*values)[i].first == value; ++i) {
        ((*values)[i].second ? equal_leavers : equal_stayers) += 1;
      }
      right += equal_leavers * (stayers + equal_stayers / 2);
      stayers += equal_stayers;
      leavers += equal_leavers;
    }
    all += stayers * leavers;
  }
  double share() const { return all == 0 ? std::numeric_limits<double>::quiet_NaN() : right / all; }
};

// `value` of a sample; a score that is null is lower than any other.
template <typename Value>
double Auc(const std::vector<Sample>& samples, const Leavings& leavings, DurationMs horizon, const Value& value) {
  Pairs pairs;
  std::vector<std::pair<double, bool>> values;
  for (size_t i = 0; i < samples.size();) {
    const TimeMs at = samples[i].at;
    values.clear();
    for (; i < samples.size() && samples[i].at == at; ++i) {
      const Truth* leaving = leavings.Find(samples[i].customer);
      if (leaving != nullptr && *leaving->leaves_at <= at) continue;  // gone
      const double v = value(samples[i]);
      values.emplace_back(IsNull(v) ? -std::numeric_limits<double>::infinity() : v,
                          leaving != nullptr && *leaving->leaves_at - at <= horizon);
    }
    pairs.Add(&values);
  }
  return pairs.share();
}

}  // namespace

Leavings::Leavings(const std::vector<Truth>& truth) {
  for (const Truth& customer : truth) {
    if (customer.leaves_at) leavers_.emplace(customer.customer_id, customer);
  }
}

const Truth* Leavings::Find(const std::string& customer) const {
  const auto found = leavers_.find(customer);
  return found == leavers_.end() ? nullptr : &found->second;
}

int64_t Verdict::Count(WarningVerdict verdict) const {
  return std::count_if(warnings.begin(), warnings.end(),
                       [verdict](const JudgedWarning& w) { return w.verdict == verdict; });
}

double Verdict::precision() const {
  if (warnings.empty()) return 0;
  return static_cast<double>(Count(WarningVerdict::kRight)) / static_cast<double>(warnings.size());
}

Verdict Judge(const std::vector<Warning>& warnings, const Leavings& leavings, DurationMs horizon, TimeMs end) {
  Verdict verdict;
  std::map<std::string, Warned> warned;
  for (const Warning& warning : warnings) {
    const Truth* leaving = leavings.Find(warning.customer);
    const WarningVerdict judged = VerdictOf(warning.time, leaving, horizon);
    verdict.warnings.push_back({warning, judged, leaving});
    Warned& customer = warned[warning.customer];
    if (judged == WarningVerdict::kRight && (!customer.first_in_time || warning.time < *customer.first_in_time)) {
      customer.first_in_time = warning.time;
    }
    customer.afterwards |= judged == WarningVerdict::kAfterwards;
  }
  std::map<std::string, CauseVerdict> causes;
  for (const auto& [customer, leaving] : leavings.all()) {
    if (*leaving.leaves_at > end) continue;
    CauseVerdict& cause = causes[leaving.cause];
    cause.cause = leaving.cause;
    Add(warned[customer], *leaving.leaves_at, &cause);
    Add(warned[customer], *leaving.leaves_at, &verdict.all);
  }
  for (auto& [name, cause] : causes) {
    std::sort(cause.leads.begin(), cause.leads.end());
    verdict.causes.push_back(std::move(cause));
  }
  std::sort(verdict.all.leads.begin(), verdict.all.leads.end());
  return verdict;
}

std::vector<Warning> WarningsOf(const std::vector<AlertLine>& alerts, const std::string& rule) {
  std::vector<Warning> warnings;
  for (const AlertLine& alert : alerts) {
    if (alert.rule == rule && alert.status == "opened") warnings.push_back({alert.customer, alert.event_time, &alert});
  }
  return warnings;
}

RecencyRule WarnBySilence(const std::vector<Silence>& silences, DurationMs cooldown, size_t budget) {
  std::set<DurationMs> lengths;
  for (const Silence& silence : silences) lengths.insert(silence.to - silence.from);
  const std::vector<DurationMs> ascending(lengths.begin(), lengths.end());
  const auto fits = [&](DurationMs length) { return SilencesReaching(silences, cooldown, length).size() <= budget; };
  const auto shortest =
      std::partition_point(ascending.begin(), ascending.end(), [&](DurationMs length) { return !fits(length); });
  if (shortest == ascending.end()) return {};
  return {*shortest, SilencesReaching(silences, cooldown, *shortest)};
}

TruthVerdict JudgeReplay(const Plan& plan, const std::vector<AlertLine>& alerts, const Observer& observer,
                         const Leavings& leavings, DurationMs horizon) {
  TruthVerdict all{horizon, static_cast<int64_t>(observer.customers().size()), 0, {}, {}};
  for (const auto& [customer, leaving] : leavings.all()) all.left += *leaving.leaves_at <= observer.end();
  for (const AlertPlan& alert : plan.alerts) {
    const std::vector<Warning> warnings = WarningsOf(alerts, alert.name);
    const RecencyRule recency = WarnBySilence(observer.silences(), alert.cooldown, warnings.size());
    all.rules.push_back({alert.name, Judge(warnings, leavings, horizon, observer.end()), recency.silence,
                         Judge(recency.warnings, leavings, horizon, observer.end())});
  }
  const auto silence = [](const Sample& sample) { return static_cast<double>(sample.silence); };
  const double silence_auc = Auc(observer.samples(), leavings, horizon, silence);
  for (size_t i = 0; i < plan.scores.size(); ++i) {
    const auto score = [i](const Sample& sample) { return sample.scores[i]; };
    all.scores.push_back({plan.scores[i].name, Auc(observer.samples(), leavings, horizon, score), silence_auc});
  }
  return all;
}

}  // namespace ebb
