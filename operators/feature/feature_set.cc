// Features grouped by what they can share.
#include "operators/feature/feature_set.h"

#include <algorithm>

#include <fmt/format.h>

#include "engine/base/check.h"
#include "engine/base/math.h"

namespace ebb {
namespace {

constexpr int64_t kLargestRowWords = 65535;

// The member of `list` for which `fits`, or a new one.
template <typename T, typename Fits, typename... Arguments>
T& FindOrAdd(std::vector<std::unique_ptr<T>>* list, Fits fits, Arguments&&... arguments) {
  for (auto& member : *list) {
    if (fits(*member)) return *member;
  }
  list->push_back(std::make_unique<T>(std::forward<Arguments>(arguments)...));
  return *list->back();
}

}  // namespace

absl::StatusOr<std::unique_ptr<FeatureSet>> FeatureSet::Build(const Plan& plan, RowLayoutBuilder* layout) {
  auto set = std::make_unique<FeatureSet>();
  set->sources_.resize(plan.sources.size());
  set->origin_cells_.assign(plan.measures.size(), -1);
  set->tenure_target_ = plan.builtins.tenure;
  set->first_seen_ = layout->AddCells("first_seen", 1);
  for (const MeasurePlan& measure : plan.measures) set->AddMeasure(plan, measure, layout);
  for (size_t w = 0; w < plan.builtins.window_days.size(); ++w) {
    if (plan.builtins.window_days[w] < 0) continue;
    const WindowPlan& window = plan.windows[w];
    set->window_days_.push_back({window.length, window.tile, window.closed, plan.builtins.window_days[w]});
  }
  for (size_t s = 0; s < set->sources_.size(); ++s) {
    if (!Declare(&set->sources_[s], layout)) {
      return absl::InvalidArgumentError(
          fmt::format("source '{}' has more windowed features, or longer windows for their tiles, than a row can hold",
                      plan.sources[s]));
    }
    const Source& source = set->sources_[s];
    if (!source.tails.empty() || !source.tallies.empty() || !source.sessions.empty()) set->can_overflow_ = true;
  }
  const RowLayout built = layout->Build();
  int64_t words = built.cells + 64;
  for (const RowLayout::Section& section : built.sections) words += int64_t{section.words} * section.max_entries + 1;
  if (words > kLargestRowWords) {
    return absl::InvalidArgumentError(fmt::format(
        "a customer could need {} KiB, and 512 KiB is the most: use coarser tiles, shorter windows, or lower "
        "max_items and max_events",
        words / 128));
  }
  return set;
}

bool FeatureSet::Declare(Source* source, RowLayoutBuilder* layout) {
  for (auto& ladder : source->ladders) {
    if (!ladder->Declare(layout)) return false;
  }
  for (auto& ring : source->rings) {
    if (!ring->Declare(layout)) return false;
  }
  for (auto& items : source->items) items->Declare(layout);
  for (auto& tail : source->tails) tail->Declare(layout);
  for (auto& tally : source->tallies) tally->Declare(layout);
  for (auto& sessions : source->sessions) sessions->Declare(layout);
  return true;
}

void FeatureSet::AddMeasure(const Plan& plan, const MeasurePlan& measure, RowLayoutBuilder* layout) {
  const Aggregate* aggregate = FindAggregate(measure.aggregate);
  EBB_CHECK(aggregate != nullptr, "aggregate '{}'", measure.aggregate);
  Source& source = sources_[measure.source];
  const double unit = PowerOfTen(measure.decimals);
  const std::string name = fmt::format("{}.{}.{}", plan.sources[measure.source], measure.slot, measure.filter);
  if (aggregate->shape == AggregateShape::kPoint) {
    const int cells = layout->AddCells(fmt::format("{}.{}", name, aggregate->name), aggregate->words);
    source.points.push_back({aggregate, measure.slot, measure.filter, measure.half_life, unit, cells, measure.target});
    if (aggregate == &kRecencyAggregate) origin_cells_[&measure - plan.measures.data()] = cells;
    return;
  }
  const bool by_count = measure.last > 0;
  const WindowPlan window = by_count ? WindowPlan() : plan.windows[measure.window];
  const auto same_filter = [&](const auto& part) { return part.filter() == measure.filter; };
  if (by_count || measure.exact || aggregate->shape == AggregateShape::kEvents) {
    FindOrAdd(
        &source.tails, [&](const EventTail& t) { return same_filter(t) && t.by_count() == by_count; },
        name + (by_count ? ".last" : ".tail"), measure.filter, by_count)
        .AddRead(measure, aggregate, window.length, unit);
  } else if (window.closed) {
    FindOrAdd(
        &source.rings, [&](const PeriodRing& r) { return r.Fits(window); },
        fmt::format("{}.periods.{}.{}", plan.sources[measure.source], window.tile, window.offset), window.tile,
        window.offset)
        .AddRead(window, measure, aggregate, unit);
  } else if (aggregate->shape == AggregateShape::kSessions) {
    FindOrAdd(
        &source.sessions, [&](const SessionTable& t) { return same_filter(t) && t.gap() == measure.gap; },
        fmt::format("{}.sessions.{}", name, measure.gap), measure.filter, measure.gap)
        .AddRead(window, measure, aggregate);
  } else if (aggregate->shape == AggregateShape::kTally) {
    const auto fits = [&](const Tally& t) {
      return same_filter(t) && t.slot() == measure.slot && t.item_of() == aggregate->item && t.Fits(window);
    };
    FindOrAdd(&source.tallies, fits, name + ".tally", measure.slot, measure.filter, aggregate->item)
        .AddRead(window, measure, aggregate, unit);
  } else if (aggregate->shape == AggregateShape::kItems) {
    FindOrAdd(
        &source.items, [&](const ItemTable& t) { return t.slot() == measure.slot && same_filter(t) && t.Fits(window); },
        name + ".items", measure.slot, measure.filter)
        .AddRead(window, measure.max_items, measure.target);
  } else {
    AddTiles(plan, measure, aggregate, unit);
  }
}

void FeatureSet::AddTiles(const Plan& plan, const MeasurePlan& measure, const Aggregate* aggregate, double unit) {
  const WindowPlan& window = plan.windows[measure.window];
  auto& ladders = sources_[measure.source].ladders;
  FindOrAdd(
      &ladders, [&](const TileLadder& l) { return l.Fits(window); },
      fmt::format("{}.ladder{}", plan.sources[measure.source], ladders.size()))
      .AddRead(window, measure.window, {aggregate, measure.slot, measure.filter}, unit, measure.target);
}

void FeatureSet::Update(const Record& record, RowRef* row, TimeMs now) const {
  const Source& source = sources_[record.source];
  TimeMs& first_seen = row->cells()[first_seen_];
  if (first_seen == 0 || record.time < first_seen) first_seen = record.time;
  for (const Point& point : source.points) {
    if (point.filter >= 0 && record.slots()[point.filter] == 0) continue;
    if (point.slot >= 0 && record.is_null(point.slot)) continue;
    point.aggregate->lift(row->cells() + point.cells, point.slot < 0 ? 0 : record.slots()[point.slot], record.time,
                          point.half_life);
  }
  for (const auto& ladder : source.ladders) {
    ladder->Advance(row, now);
    ladder->Add(record, row, now);
  }
  for (const auto& items : source.items) items->Add(record, row);
  for (const auto& tail : source.tails) tail->Add(record, row, now);
  for (const auto& tally : source.tallies) tally->Add(record, row, now);
  for (const auto& ring : source.rings) ring->Add(record, row, now);
  for (const auto& sessions : source.sessions) sessions->Add(record, row, now);
}

void FeatureSet::Read(RowRef* row, TimeMs now, double* registers) const {
  for (const Source& source : sources_) {
    for (const auto& ladder : source.ladders) {
      ladder->Advance(row, now);
      ladder->Read(*row, registers);
    }
    for (const auto& items : source.items) items->Read(row, now, registers);
    for (const auto& tail : source.tails) tail->Read(row, now, registers);
    for (const auto& tally : source.tallies) tally->Read(row, now, registers);
    for (const auto& ring : source.rings) ring->Read(row, now, row->cells()[first_seen_], registers);
    for (const auto& sessions : source.sessions) sessions->Read(row, now, registers);
    for (const Point& point : source.points) {
      registers[point.target] = point.aggregate->read(row->cells() + point.cells, now, point.unit, point.half_life);
    }
  }
  if (tenure_target_ >= 0) {
    const TimeMs first_seen = row->cells()[first_seen_];
    registers[tenure_target_] = first_seen == 0 ? kNull : static_cast<double>(now - first_seen);
  }
  for (const WindowDays& window : window_days_) {
    if (window.closed) {
      registers[window.target] = static_cast<double>(window.length) / static_cast<double>(kDay);
      continue;
    }
    if (window.length == 0) {
      registers[window.target] = static_cast<double>(now - row->cells()[first_seen_]) / static_cast<double>(kDay);
      continue;
    }
    const TimeMs edge = FloorDiv(now, window.tile) * window.tile - window.length;
    registers[window.target] = static_cast<double>(now - edge) / static_cast<double>(kDay);
  }
}

void FeatureSet::Prefetch(const Record& record, const RowRef& row) const {
  for (size_t s = 0; s < sources_.size(); ++s) {
    for (const auto& ladder : sources_[s].ladders) ladder->Prefetch(row, record.effective, s == record.source);
    for (const auto& items : sources_[s].items) items->Prefetch(row);
  }
}

TimeMs FeatureSet::Origin(const RowRef& row, int measure) const {
  return row.cells()[measure < 0 ? first_seen_ : origin_cells_[measure]];
}

bool FeatureSet::HasOverflowed(const RowRef& row, TimeMs now) const {
  const auto overflowed = [&](const auto& part) { return part->Overflowed(row, now); };
  return std::any_of(sources_.begin(), sources_.end(), [&](const Source& source) {
    return std::any_of(source.tails.begin(), source.tails.end(), overflowed) ||
           std::any_of(source.tallies.begin(), source.tallies.end(), overflowed) ||
           std::any_of(source.sessions.begin(), source.sessions.end(), overflowed);
  });
}

}  // namespace ebb
