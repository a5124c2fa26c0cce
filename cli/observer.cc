// Before a row moves on to a later time it is read at the instants of the grid in between. Reading a row at a time
// moves it there, which changes nothing that is read or written later.
#include "cli/observer.h"

#include <algorithm>
#include <iterator>
#include <string_view>
#include <tuple>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "engine/base/status_macros.h"

namespace ebb {

// Confined to its task's thread.
struct Observer::Notes {
  absl::flat_hash_map<std::string, Known> known;  // by customer
  ToldHistory told;
  std::vector<Silence> silences;
  std::vector<Sample> samples;
};

// Confined to its task's thread.
class Observer::LookingOn : public WatchingOperator {
 public:
  LookingOn(const Observer* observer, Notes* notes)
      : WatchingOperator(observer->pipeline_.NewOperator()), observer_(*observer), notes_(*notes) {}

  Effect OnRecord(const Record& record, RowRef* row, Outputs* outputs) override {
    Known& known = MoveTo(record.effective, row);
    const Effect effect = work_->OnRecord(record, row, outputs);
    const bool alive = (observer_.pipeline_.plan().evaluate.on_sources >> record.source & 1) != 0;
    if (effect == Effect::kDuplicate || !alive) return effect;
    if (known.last != kAfterTime && record.effective - known.last >= kShortestSilence) {
      notes_.silences.push_back({known.customer, known.last, record.effective});
    }
    known.last = record.effective;
    return effect;
  }
  void OnTimer(TimeMs now, RowRef* row, Outputs* outputs) override {
    MoveTo(now, row);
    work_->OnTimer(now, row, outputs);
  }
  void Tell(TimeMs since, const std::vector<int64_t>& told) override {
    notes_.told.Add(since, told);
    work_->Tell(since, told);
  }

 private:
  Known& MoveTo(TimeMs now, RowRef* row) {
    const auto [found, is_new] = notes_.known.try_emplace(std::string(row->key()));
    Known& known = found->second;
    if (is_new) known.customer = row->key();
    observer_.SampleBetween(row, known, notes_.told, now, &notes_.samples);
    known.touched = now;
    return known;
  }

  const Observer& observer_;
  Notes& notes_;
};

Observer::Observer(const Pipeline* pipeline) : pipeline_(*pipeline) {}
Observer::~Observer() = default;

std::unique_ptr<Operator> Observer::NewOperator() {
  notes_.push_back(std::make_unique<Notes>());
  return std::make_unique<LookingOn>(this, notes_.back().get());
}

void Observer::SampleBetween(RowRef* row, const Known& known, const ToldHistory& told, TimeMs until,
                             std::vector<Sample>* out) const {
  if (known.touched >= until || known.last == kAfterTime) return;
  std::vector<double> registers;
  for (TimeMs at = (FloorDiv(known.touched, kGrid) + 1) * kGrid; at <= until; at += kGrid) {
    registers = pipeline_.NewRegisters(told.At(at));
    pipeline_.Compute(row, at, registers.data());
    Sample sample{known.customer, at, at - known.last, {}};
    for (const ScorePlan& score : pipeline_.plan().scores) sample.scores.push_back(registers[score.target]);
    out->push_back(std::move(sample));
  }
}

absl::Status Observer::Finish(Job* job) {
  end_ = job->progress().cursor - 1;
  absl::flat_hash_map<std::string_view, const Known*> all;
  for (const std::unique_ptr<Notes>& notes : notes_) {
    std::move(notes->silences.begin(), notes->silences.end(), std::back_inserter(silences_));
    std::move(notes->samples.begin(), notes->samples.end(), std::back_inserter(samples_));
    for (const auto& [customer, known] : notes->known) all[customer] = &known;
  }
  EBB_RETURN_IF_ERROR(job->ForEachRow([&](RowRef row) {
    const Known& known = *all.at(row.key());
    customers_.push_back(known.customer);
    SampleBetween(&row, known, notes_.front()->told, end_, &samples_);
    if (known.last != kAfterTime && end_ - known.last >= kShortestSilence) {
      silences_.push_back({known.customer, known.last, end_});
    }
  }));
  std::sort(silences_.begin(), silences_.end(), [](const Silence& a, const Silence& b) {
    return std::tie(a.from, a.customer) < std::tie(b.from, b.customer);
  });
  std::sort(samples_.begin(), samples_.end(),
            [](const Sample& a, const Sample& b) { return std::tie(a.at, a.customer) < std::tie(b.at, b.customer); });
  return absl::OkStatus();
}

}  // namespace ebb
