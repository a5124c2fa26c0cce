// The interpreter of expression programs.
#include "operators/feature/program.h"

#include "engine/base/check.h"
#include "engine/base/math.h"
#include "engine/stream/time.h"

namespace ebb {
namespace {

double Finite(double value) { return std::fabs(value) <= std::numeric_limits<double>::max() ? value : kNull; }

double Compare(double a, double b, bool result) { return IsNull(a) || IsNull(b) ? kNull : (result ? 1.0 : 0.0); }

double And(double a, double b) {
  if (a == 0 || b == 0) return 0.0;
  return IsNull(a) || IsNull(b) ? kNull : 1.0;
}

double Or(double a, double b) {
  if (a == 1 || b == 1) return 1.0;
  return IsNull(a) || IsNull(b) ? kNull : 0.0;
}

bool SameText(double a, double b) { return std::bit_cast<uint64_t>(a) == std::bit_cast<uint64_t>(b); }

double SafeDivide(double a, double b) {
  const double quotient = b == 0 ? kNull : Finite(a / b);
  return IsNull(quotient) ? 0.0 : quotient;
}

// `time` and `offset` are whole milliseconds.
double HourOf(double time, double offset) {
  if (IsNull(time)) return kNull;
  const auto local = static_cast<TimeMs>(time + offset);
  return static_cast<double>(FloorDiv(local, kHour) - FloorDiv(local, kDay) * 24);
}

double WeekdayOf(double time, double offset) {
  if (IsNull(time)) return kNull;
  const int64_t day = FloorDiv(static_cast<TimeMs>(time + offset), kDay) + 3;  // day 0 was a Thursday
  return static_cast<double>(day - FloorDiv(day, 7) * 7 + 1);
}

// `c` is the instruction's third register.
inline double Apply(Op op, double a, double b, const double& c, const std::vector<Zone>& zones) {
  switch (op) {
    case Op::kAdd:
      return Finite(a + b);
    case Op::kSubtract:
      return Finite(a - b);
    case Op::kMultiply:
      return Finite(a * b);
    case Op::kDivide:
      return b == 0 ? kNull : Finite(a / b);
    case Op::kNegate:
      return IsNull(a) ? kNull : -a;  // not a null with a sign
    case Op::kLess:
      return Compare(a, b, a < b);
    case Op::kLessEqual:
      return Compare(a, b, a <= b);
    case Op::kEqual:
      return Compare(a, b, a == b);
    case Op::kNotEqual:
      return Compare(a, b, a != b);
    case Op::kTextEqual:
      return SameText(a, b) ? 1.0 : 0.0;
    case Op::kTextNotEqual:
      return SameText(a, b) ? 0.0 : 1.0;
    case Op::kAnd:
      return And(a, b);
    case Op::kOr:
      return Or(a, b);
    case Op::kNot:
      return IsNull(a) ? kNull : 1.0 - a;
    case Op::kIf:
      return a == 1 ? b : c;
    case Op::kCoalesce:
      return IsNull(a) ? b : a;
    case Op::kSafeDivide:
      return SafeDivide(a, b);
    case Op::kMin:
      return IsNull(a) || IsNull(b) ? kNull : (b < a ? b : a);
    case Op::kMax:
      return IsNull(a) || IsNull(b) ? kNull : (a < b ? b : a);
    case Op::kAbs:
      return std::fabs(a);
    case Op::kSqrt:
      return a < 0 ? kNull : std::sqrt(a);
    case Op::kLog1p:
      return a > -1 ? Finite(PortableLog1p(a)) : kNull;
    case Op::kIsNull:
      return IsNull(a) ? 1.0 : 0.0;
    case Op::kHourOfDay:
      return HourOf(a, b);
    case Op::kDayOfWeek:
      return WeekdayOf(a, b);
    case Op::kZoneOffset:
      return IsNull(a) ? kNull : static_cast<double>(zones[static_cast<size_t>(b)].OffsetAt(static_cast<TimeMs>(a)));
  }
  EBB_CHECK(false, "instruction {}", static_cast<int>(op));
}

}  // namespace

void Program::Run(size_t begin, size_t end, double* registers) const {
  const Instruction* const last = instructions.data() + end;
  for (const Instruction* i = instructions.data() + begin; i != last; ++i) {
    registers[i->target] = Apply(i->op, registers[i->a], registers[i->b], registers[i->c], zones);
  }
}

int ProgramBuilder::Constant(double value) {
  auto [it, fresh] = constants_.try_emplace(std::bit_cast<uint64_t>(value), register_count());
  if (fresh) {
    EBB_CHECK(register_count() < kMaxRegisters);
    program_.initial.push_back(value);
  }
  return it->second;
}

int ProgramBuilder::ZoneConstant(const Zone& zone) {
  size_t number = 0;
  while (number < program_.zones.size() && program_.zones[number].name != zone.name) ++number;
  if (number == program_.zones.size()) program_.zones.push_back(zone);
  return Constant(static_cast<double>(number));
}

int ProgramBuilder::Emit(Op op, int a, int b, int c) {
  EBB_CHECK(register_count() < kMaxRegisters);
  int target = NewRegister();
  program_.instructions.push_back({op, static_cast<uint16_t>(target), static_cast<uint16_t>(a),
                                   static_cast<uint16_t>(b), static_cast<uint16_t>(c)});
  return target;
}

}  // namespace ebb
