// Runs a source's record program between decoding and ordering.
#include "operators/feature/derived_fields.h"

#include <bit>
#include <cmath>

#include "engine/base/math.h"

namespace ebb {
namespace {

constexpr double kLargestUnits = 9007199254740992.0;  // 2^53

// |value| < 2^53.
int64_t RoundHalfToEven(double value) {
  int64_t whole = static_cast<int64_t>(value);
  double rest = std::fabs(value - static_cast<double>(whole));
  bool away = rest > 0.5 || (rest == 0.5 && whole % 2 != 0);
  return away ? whole + (value < 0 ? -1 : 1) : whole;
}

}  // namespace

Reason DerivingDecoder::Decode(std::string_view bytes, RecordBuilder* out) {
  Reason reason = inner_->Decode(bytes, out);
  if (reason != Reason::kNone) return reason;
  for (const DerivedFieldsPlan::Computed& computed : plan_.computed) out->nulls |= uint64_t{1} << computed.slot;
  if (out->filtered) return Reason::kNone;
  Load(*out);
  for (const DerivedFieldsPlan::Computed& computed : plan_.computed) {
    plan_.program.Run(computed.segment.begin, computed.segment.end, registers_.data());
    if (!Store(computed, out)) reason = Reason::kOutOfRange;
  }
  if (plan_.filter_reg >= 0) {
    plan_.program.Run(plan_.filter.begin, plan_.filter.end, registers_.data());
    out->filtered = registers_[plan_.filter_reg] != 1;
  }
  return out->filtered ? Reason::kNone : reason;
}

void DerivingDecoder::Load(const RecordBuilder& record) {
  if (plan_.time_reg >= 0) registers_[plan_.time_reg] = static_cast<double>(record.time);
  for (const DerivedFieldsPlan::Load& load : plan_.loads) {
    double value = kNull;
    if ((record.nulls >> load.slot & 1) == 0) {
      int64_t slot = record.slots[load.slot];
      value = load.type == FieldType::kString ? std::bit_cast<double>(slot) : static_cast<double>(slot);
      if (load.type == FieldType::kDecimal) value /= PowerOfTen(load.decimals);
    }
    registers_[load.reg] = value;
  }
}

bool DerivingDecoder::Store(const DerivedFieldsPlan::Computed& computed, RecordBuilder* out) {
  const double value = registers_[computed.reg];
  double stored = value;
  bool good = true;
  if (computed.type == FieldType::kString) {
    int64_t bits = std::bit_cast<int64_t>(value);
    if (bits != std::bit_cast<int64_t>(kNull)) out->SetSlot(computed.slot, bits);
  } else if (computed.type == FieldType::kBool) {
    stored = value == 1 ? 1 : 0;
    out->SetSlot(computed.slot, static_cast<int64_t>(stored));
  } else if (!IsNull(value)) {
    const double power = PowerOfTen(computed.decimals);
    good = std::fabs(value * power) < kLargestUnits;
    if (good) {
      int64_t units = RoundHalfToEven(value * power);
      out->SetSlot(computed.slot, units);
      stored = static_cast<double>(units) / power;
    } else {
      stored = kNull;
    }
  }
  if (computed.stored >= 0) registers_[computed.stored] = stored;
  return good;
}

}  // namespace ebb
